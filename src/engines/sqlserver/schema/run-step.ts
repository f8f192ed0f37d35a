import type { LifeboatError } from '../../../core/errors.ts'
import { isRefusal, reasonOf } from '../catalog/server-error.ts'
import { sqlNumberOf } from '../failures.ts'
import type { Session } from '../session.ts'
import type { ApplyOptions } from './apply.ts'
import type { Step } from './step.ts'
import { readViolation, type Violation } from './violations.ts'

export interface Log {
  readonly restored: Map<string, number>
  readonly notRestored: { readonly what: string; readonly reason: string }[]
  readonly warnings: string[]
  readonly failures: { readonly what: string; readonly reason: string }[]
  readonly violations: Violation[]
}

/** Gives what the server refused, where that is not settled here; whatever else fails is thrown. */
export async function runStep(
  session: Session,
  step: Step,
  log: Log,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<LifeboatError | undefined> {
  options.onStep?.(step)
  const failure = await tryBatches(session, step.batches, signal)
  if (failure === undefined) {
    count(step, log)
    return undefined
  }
  const number = sqlNumberOf(failure)
  if (number !== undefined && step.exists?.includes(number) === true) {
    log.warnings.push(`${step.kind} ${step.name} was there already and is left as it is`)
    return undefined
  }
  if (number === CONFLICT && step.violations !== undefined) {
    return await settleViolation(session, step, step.violations, log, options, signal)
  }
  if (step.otherwise === undefined) return failure
  const again = await tryBatches(session, [step.otherwise.batch], signal)
  if (again !== undefined) return failure
  count(step, log)
  log.notRestored.push({
    what: `${step.kind} ${step.name}`,
    reason: `${step.otherwise.lost}: ${reasonOf(failure)}`,
  })
  return undefined
}

/** The statement conflicted with the constraint: some row breaks it. */
const CONFLICT = 547

async function settleViolation(
  session: Session,
  step: Step,
  { rows, unchecked }: NonNullable<Step['violations']>,
  log: Log,
  { violations }: ApplyOptions,
  signal: AbortSignal,
): Promise<LifeboatError | undefined> {
  const keep = violations === 'keep'
  log.violations.push(await readViolation(session, step, rows, keep, signal))
  if (!keep) return undefined
  const failure = await tryBatches(session, [unchecked], signal)
  if (failure === undefined) count(step, log)
  return failure
}

/** A refusal by the server is given back; a lost connection or an abort is thrown. */
async function tryBatches(
  session: Session,
  batches: readonly string[],
  signal: AbortSignal,
): Promise<LifeboatError | undefined> {
  try {
    for (const batch of batches) await session.batch(batch, signal)
    return undefined
  } catch (thrown) {
    if (signal.aborted || !isRefusal(thrown)) throw thrown
    return thrown
  }
}

function count({ kind }: Step, { restored }: Log): void {
  if (kind !== 'settings') restored.set(kind, (restored.get(kind) ?? 0) + 1)
}
