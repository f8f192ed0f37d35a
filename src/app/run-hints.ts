import { LifeboatError, messageOf } from '../core/errors.ts'
import type { Runbook, RunName } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { isWayOut, nativeOffer, silentRegion } from './native-offer.ts'

/** What a line to go on with is made of. */
export interface Resumable {
  readonly way: string
  readonly run: RunName
  /** Options that no journal keeps: without them the run would go on as if it had never been given them. */
  readonly again: readonly string[]
}

export function resumeLine({ way, run, again }: Resumable, ...more: readonly string[]): string {
  const verb = way.startsWith('cutover ') ? way.split(' ') : ['migrate', way]
  return shellLine({ argv: ['lifeboat', ...verb, '--resume', run.id, ...again, ...more] })
}

/** Of a run that was planned and has ended by an error. */
export function resumeHint({ code, hint }: LifeboatError, resumable: Resumable): string {
  if (code === 'timed-out' && hint !== undefined) return hint
  if (code === 'confirmation-required') return `When it may happen: ${resumeLine(resumable, '--confirm')}`
  return `${hint ?? 'Mend the cause.'} Then go on where it stopped: ${resumeLine(resumable)}`
}

/** Of a run whose deadline is over while it is at its step of that index. */
export function late(
  resumable: Resumable,
  flags: unknown,
  { steps, makes }: Pick<Runbook<never>, 'steps' | 'makes'>,
  index: number,
  deadlineMs: number,
): LifeboatError {
  const { way } = resumable
  const minutes = Math.round(deadlineMs / 60_000)
  const step = steps[index]
  const message = `unable to end '${way}' within ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}: it did not get past '${step?.title}'`
  const begun = steps.slice(0, index).some(({ effect }) => effect !== 'read')
  if (makes !== undefined && begun && steps.slice(index).every(({ effect }) => effect === 'read')) {
    const counted =
      step?.id === 'verify' && way !== 'native'
        ? ' Rows are counted anew; without --backups they are not.'
        : ''
    const hint = `${makes.id} is made, and what is left only looks at it: give that longer with ${resumeLine(resumable, '--deadline', '24h')}.${counted}`
    return new LifeboatError('timed-out', message, { hint })
  }
  const goOn =
    way === 'native'
      ? `A dump or restore that is under way ends with its run, and begins anew: give it longer with ${resumeLine(resumable, '--deadline', '48h')}.`
      : `What has begun goes on at AWS: go on waiting with ${resumeLine(resumable, '--deadline', '4h')}${isWayOut(way) ? ', and take another way beside it' : ''}.`
  return new LifeboatError('timed-out', message, {
    hint: isWayOut(way) ? `${goOn} ${nativeOffer(way, flags, undefined)}` : goOn,
    details: offerOf(way),
  })
}

/** Of a run that could not be planned, since a control plane gave no good answer. */
export function silent(way: string, flags: unknown, cause: unknown): LifeboatError {
  const opens = cause instanceof LifeboatError && cause.details?.opens === true ? cause.hint : undefined
  return new LifeboatError('step-failed', `unable to plan '${way}': no good answer: ${messageOf(cause)}`, {
    // What gathered knows what would open the way; a failed call's own hint is about the call.
    hint: `${opens ?? 'This way needs that control plane: lifeboat assess says which do not.'} ${nativeOffer(way, flags, silentRegion(cause))}`,
    cause,
    details: { ...(cause instanceof LifeboatError && cause.details), ...offerOf(way) },
  })
}

function offerOf(way: string): { readonly offer?: 'native' } {
  return isWayOut(way) ? { offer: 'native' } : {}
}
