import type { Clock } from '../../core/clock.ts'
import { faultOf, isTransient } from '../../core/cloud-fault.ts'
import { abortReason, messageOf } from '../../core/errors.ts'
import { createSlots } from '../../core/slots.ts'
import { orAborted } from '../../core/until-aborted.ts'
import type { Section, Unknown } from './record.ts'

export interface Question {
  readonly region?: string
  readonly what: Section | 'account' | 'dns' | 'roles'
  readonly of?: string
  /** Which control plane answers: once one of them is dead, nothing more is asked of it. */
  readonly service: 'rds' | 'ec2' | 'kms' | 'cloudwatch' | 'route53' | 'sts' | 'iam'
}

export interface Asker {
  /** Undefined where there is no answer to be had; `unknown` then says why. */
  ask<T>(question: Question, call: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>
  /** For what has been answered, and not as it should be. */
  note(question: Pick<Question, 'region' | 'what' | 'of'>, reason: string): void
  readonly unknown: readonly Unknown[]
}

const TRIES = 3
const FIRST_DELAY_MS = 1_000
/** Kind to AWS's rates, which applications share. */
const AT_ONCE = 4

/**
 * Asks many things with patience for a control plane that is throttled, within one bound for all of them. What can't be asked
 * holds up nothing else. Throws only once `outer` is aborted, or for a defect.
 */
export function createAsker(
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
  outer: AbortSignal,
): Asker {
  const endMs = clock.monotonicMs() + timeoutMs
  const late = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([outer, late])
  const slots = createSlots(AT_ONCE)
  const unknown: Unknown[] = []
  const dead = new Map<string, string>()

  function add(
    { region, what, of }: Pick<Question, 'region' | 'what' | 'of'>,
    reason: string,
    fault: string | undefined,
  ): void {
    unknown.push({
      ...(region !== undefined && { region }),
      what,
      ...(of !== undefined && { of }),
      reason,
      ...(fault !== undefined && { fault }),
    })
  }
  const isLate = () => late.aborted || clock.monotonicMs() >= endMs

  async function tried<T>(
    question: Question,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const place = `${question.service}/${question.region ?? ''}`
    for (let tries = 1, delayMs = FIRST_DELAY_MS; ; tries += 1, delayMs *= 3) {
      const known = dead.get(place)
      if (known !== undefined) {
        add(question, `not asked, since another call got no answer: ${known}`, 'unavailable')
        return undefined
      }
      if (isLate()) break
      try {
        return await orAborted(call(signal), signal)
      } catch (thrown) {
        if (outer.aborted) throw abortReason(outer)
        if (isLate()) break
        const fault = faultOf(thrown)
        if (fault === undefined) throw thrown
        if (!isTransient(thrown) || tries >= TRIES) {
          if (fault === 'unavailable') dead.set(place, messageOf(thrown))
          add(question, messageOf(thrown), fault)
          return undefined
        }
      }
      await clock.sleep(Math.min(delayMs, Math.max(0, endMs - clock.monotonicMs())), outer)
    }
    add(question, `no answer in the ${Math.round(timeoutMs / 1000)} s that there were for all`, 'unavailable')
    return undefined
  }

  return {
    ask: (question, call) => slots.run(() => tried(question, call), outer),
    note: (question, reason) => add(question, reason, undefined),
    unknown,
  }
}
