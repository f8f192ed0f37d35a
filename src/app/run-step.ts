import type { Clock } from '../core/clock.ts'
import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { Observation, Step } from '../core/runbook.ts'
import type { StepState } from './runbook-journal.ts'

const POLL_MS = 15_000
/** A look may show what was before a change for so long: nothing is asked for twice within it. */
const SETTLE_MS = 60_000
/** A control plane that gives no good answer for so long is dead for our purposes. */
const PATIENCE_MS = 15 * 60_000
const MOST_APPLIES = 3
const FIRST_DELAY_MS = 2_000
const LONGEST_DELAY_MS = 60_000

export interface StepRun<Ports> {
  readonly ports: Ports
  readonly clock: Clock
  readonly confirm: boolean
  /** Of a run before this one: when it last began to apply this step without having seen it done. */
  readonly begun: Date | undefined
  /** Called with each look; journals what is news. */
  note(state: StepState, seen: Observation | undefined, signal: AbortSignal): Promise<void>
  /** Throws `timed-out` once the way has taken too long. */
  checkDeadline(): void
  /** What else to do where a control plane is dead: `thrown` is its last failure. */
  otherwise(thrown: unknown): string
}

/** Looks, acts where there is something to do, and waits until it is done. Resolves with the last look. */
export async function runStep<Ports>(
  step: Step<Ports>,
  { ports, clock, confirm, begun, note, checkDeadline, otherwise }: StepRun<Ports>,
  signal: AbortSignal,
): Promise<Observation> {
  const switches = step.effect === 'switch' || step.effect === 'destroy'
  const sinceBegun = begun === undefined ? undefined : clock.now().getTime() - begun.getTime()
  // What an earlier run may have asked for just before it ended need not be visible yet.
  let appliedMs =
    sinceBegun !== undefined && sinceBegun < SETTLE_MS
      ? clock.monotonicMs() - Math.max(0, sinceBegun)
      : undefined
  let applies = 0
  let failingMs: number | undefined
  let delayMs = FIRST_DELAY_MS

  async function outlast(thrown: unknown): Promise<void> {
    throwIfAborted(signal)
    failingMs ??= clock.monotonicMs()
    if (!isTransient(thrown)) {
      await note('failed', { state: 'blocked', reason: messageOf(thrown) }, signal)
      throw failed(step, messageOf(thrown), faultHint(thrown), thrown)
    }
    if (clock.monotonicMs() - failingMs > PATIENCE_MS) {
      await note('failed', { state: 'blocked', reason: messageOf(thrown) }, signal)
      const minutes = Math.round((clock.monotonicMs() - failingMs) / 60_000)
      throw failed(
        step,
        `no good answer for ${minutes} minutes: ${messageOf(thrown)}`,
        otherwise(thrown),
        thrown,
      )
    }
    await note('waiting', { state: 'running', reason: messageOf(thrown) }, signal)
    await clock.sleep(delayMs, signal)
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
  }

  for (;;) {
    throwIfAborted(signal)
    checkDeadline()
    let seen: Observation
    try {
      seen = await step.observe(ports, signal)
    } catch (thrown) {
      await outlast(thrown)
      continue
    }
    switch (seen.state) {
      case 'done':
        await note('done', seen, signal)
        return seen
      case 'blocked':
        await note('blocked', seen, signal)
        throw failed(step, [seen.reason ?? 'it is blocked', ...toldOf(seen)].join('; '), seen.hint, undefined)
      case 'running':
        failingMs = undefined
        delayMs = FIRST_DELAY_MS
        await note(seen.queued === true ? 'queued' : 'running', seen, signal)
        await clock.sleep(step.pollMs ?? POLL_MS, signal)
        continue
      case 'todo':
    }
    if (step.effect === 'read') {
      throw new LifeboatError('internal', `step '${step.id}' only reads, and yet has something to do`)
    }
    if (appliedMs !== undefined && clock.monotonicMs() - appliedMs < SETTLE_MS) {
      await clock.sleep(Math.min(step.pollMs ?? POLL_MS, 5_000), signal)
      continue
    }
    if (applies >= MOST_APPLIES) {
      await note('failed', seen, signal)
      throw failed(step, `it was asked for ${applies} times, and nothing of it is to be seen`, undefined)
    }
    if (switches && !confirm) {
      await note('unconfirmed', seen, signal)
      throw new LifeboatError(
        'confirmation-required',
        `unable to ${step.title}: it ${step.effect === 'switch' ? 'changes who serves' : 'can not be undone'}, and nobody has confirmed it`,
      )
    }
    await note('applying', seen, signal)
    try {
      await step.apply(ports, signal)
    } catch (thrown) {
      const fault = faultOf(thrown)
      if (fault !== 'exists') {
        // An answer that was lost may be that of a call that was carried out.
        if (fault === 'unavailable' && switches) appliedMs = clock.monotonicMs()
        await outlast(thrown)
        continue
      }
    }
    applies += 1
    appliedMs = clock.monotonicMs()
    failingMs = undefined
    delayMs = FIRST_DELAY_MS
    await note('applied', seen, signal)
  }
}

function faultHint(thrown: unknown): string | undefined {
  if (thrown instanceof LifeboatError && thrown.hint !== undefined) return thrown.hint
  switch (faultOf(thrown)) {
    case 'denied':
      return 'Give this account what --print-policy shows.'
    case 'capacity':
      return 'Name other classes or zones with --class and --zone; each is tried in turn.'
    case 'quota':
      return 'Remove what is not needed in that region, or ask AWS for a higher quota.'
    case 'key':
      return 'Choose another key of the target region with --kms-key.'
    default:
      return undefined
  }
}

function failed(
  step: Pick<Step<never>, 'id' | 'title'>,
  reason: string,
  hint: string | undefined,
  cause?: unknown,
): LifeboatError {
  const details = cause instanceof LifeboatError ? cause.details : {}
  return new LifeboatError('step-failed', `unable to ${step.title}: ${reason}`, {
    hint,
    cause,
    details: { ...details, step: step.id },
  })
}

/** What is out of the database itself stands in no journal, and so in no reason: the operator hears it here. */
function toldOf({ checks = [] }: Observation): readonly string[] {
  return checks.flatMap(({ name, state, told }) =>
    state === 'failed' && told !== undefined ? [`${name}: ${told}`] : [],
  )
}
