import { LifeboatError, throwIfAborted } from '../../../core/errors.ts'
import { reasonOf } from '../catalog/server-error.ts'
import { sqlNumberOf } from '../failures.ts'
import type { Session } from '../session.ts'
import { type Log, runStep } from './run-step.ts'
import { SETTINGS, type Step } from './step.ts'
import { readOrphans } from './users.ts'
import type { Violation } from './violations.ts'

export interface ApplyOptions {
  /** Whether a constraint that rows break is made all the same, unchecked, or left out. */
  readonly violations: 'fail' | 'keep'
  readonly onStep?: (step: Step) => void
}

export interface ApplyResult {
  /** How many objects of each kind are there now. */
  readonly restored: ReadonlyMap<string, number>
  readonly notRestored: readonly { readonly what: string; readonly reason: string }[]
  readonly warnings: readonly string[]
  /** What the database can't be called restored without; `applyError` makes one error of it. */
  readonly failures: readonly { readonly what: string; readonly reason: string }[]
  readonly violations: readonly Violation[]
}

/** Types, tables and clustered keys: the first that fails ends it, since no rows could be loaded. */
export async function applyBefore(
  session: Session,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<ApplyResult> {
  return await applySteps(session, steps, { violations: 'fail' }, signal)
}

/** All the rest. What fails does not keep the rest from being made: it is in the result. */
export async function applyAfter(
  session: Session,
  steps: readonly Step[],
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<ApplyResult> {
  return await applySteps(session, steps, options, signal)
}

async function applySteps(
  session: Session,
  steps: readonly Step[],
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const log: Log = {
    restored: new Map(),
    notRestored: [],
    warnings: [],
    failures: [],
    violations: [],
  }
  let waiting: Failed[] = []
  for (const step of steps) {
    throwIfAborted(signal)
    // A run of steps that may need each other ends with the first that is none of them.
    if (step.onFailure !== 'retry' && step.kind !== 'settings' && waiting.length > 0) {
      await retryUntilStable(session, waiting, log, options, signal)
      waiting = []
    }
    const failure = await runStep(session, step, log, options, signal)
    if (failure === undefined) continue
    switch (step.onFailure) {
      case 'stop':
        throw stopError(step, failure)
      case 'retry':
        waiting.push({ step, failure })
        break
      case 'collect':
        log.failures.push(describe({ step, failure }))
        break
      case 'report':
        log.notRestored.push(describe({ step, failure }))
        break
    }
  }
  await retryUntilStable(session, waiting, log, options, signal)
  log.notRestored.push(...(await readOrphans(session, steps, log.warnings, signal)))
  return log
}

interface Failed {
  readonly step: Step
  readonly failure: LifeboatError
}

/** Round by round, until one brings nothing new: what is left then fails for a reason of its own. */
async function retryUntilStable(
  session: Session,
  failed: readonly Failed[],
  log: Log,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<void> {
  let waiting = failed
  while (waiting.length > 0) {
    const left: Failed[] = []
    for (const { step } of waiting) {
      throwIfAborted(signal)
      // Other modules may have left other settings.
      await session.batch(SETTINGS, signal)
      const failure = await runStep(session, step, log, options, signal)
      if (failure !== undefined) left.push({ step, failure })
    }
    if (left.length === waiting.length) {
      log.notRestored.push(...left.map(describe))
      break
    }
    waiting = left
  }
  if (failed.length > 0) await session.batch(SETTINGS, signal)
}

function describe({ step, failure }: Failed): { readonly what: string; readonly reason: string } {
  return { what: `${step.kind} ${step.name}`, reason: reasonOf(failure) }
}

function stopError(step: Step, failure: LifeboatError): LifeboatError {
  const number = sqlNumberOf(failure)
  return new LifeboatError(
    failure.code,
    `unable to create ${step.kind} '${step.name}': ${reasonOf(failure)}${number === undefined ? '' : ` (error ${number})`}`,
    {
      hint: failure.hint ?? 'Mend what the server names on the target, or restore into a newer server.',
      cause: failure,
    },
  )
}
