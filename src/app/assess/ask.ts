import type { Clock } from '../../core/clock.ts'
import { abortReason, throwIfAborted } from '../../core/errors.ts'
import { createSlots, type Slots } from '../../core/slots.ts'
import { orAborted } from '../../core/until-aborted.ts'
import { type Answer, known, type Unknown, unknown, whyUnknown } from './answer.ts'
import type { PlaneState, Service } from './evidence.ts'

export interface Question {
  /** A control plane, or the name of a place of another kind. */
  readonly service: Service | 'database' | 'sink'
  /** Of the control plane; of others what tells one from another. */
  readonly region: string
}

/** Asks each question within a bound of its own, and all of them within one. Throws only once the run itself is stopped. */
export type Ask = <T>(question: Question, call: (signal: AbortSignal) => Promise<T>) => Promise<Answer<T>>

export interface AskBounds {
  readonly clock: Clock
  /** Of one question, with all its tries. */
  readonly questionMs: number
  /** Of all. */
  readonly timeoutMs: number
}

/** Kind to AWS's rates, which applications share. */
const AT_ONCE = 8
/** A blip is no outage: what comes back fast is asked again. */
const TRIES = { throttled: 3, dead: 2 } as const
const FIRST_DELAY_MS = 250

interface Place {
  readonly slots: Slots
  answered: number
  /** The last that was heard instead of an answer. */
  failure: Unknown | undefined
  tookMs: number
}

export function createAsk({ clock, questionMs, timeoutMs }: AskBounds, outer: AbortSignal) {
  const whole = AbortSignal.timeout(timeoutMs)
  const places = new Map<string, Place>()

  function placeOf({ service, region }: Question): Place {
    const name = `${service} ${region}`
    const there = places.get(name)
    if (there !== undefined) return there
    const made = { slots: createSlots(AT_ONCE), answered: 0, failure: undefined, tookMs: 0 }
    places.set(name, made)
    return made
  }

  async function attempt<T>(call: (signal: AbortSignal) => Promise<T>, end: AbortSignal): Promise<Answer<T>> {
    try {
      return known(await orAborted(call(end), end))
    } catch (thrown) {
      throwIfAborted(outer)
      if (whole.aborted) return unknown('dead', `no answer in the ${seconds(timeoutMs)} for all`, 'no-answer')
      if (end.aborted) return unknown('dead', `no answer in ${seconds(questionMs)}`, 'no-answer')
      return whyUnknown(thrown)
    }
  }

  async function tried<T>(place: Place, call: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
    if (place.answered === 0 && place.failure?.obstacle === 'dead') {
      return { ...place.failure, reason: `not asked, since nothing answers there: ${place.failure.reason}` }
    }
    const late = AbortSignal.timeout(questionMs)
    const end = AbortSignal.any([outer, whole, late])
    for (let tries = 1, delayMs = FIRST_DELAY_MS; ; tries += 1, delayMs *= 3) {
      const answer = await attempt(call, end)
      if (answer.known || end.aborted) return answer
      const most = answer.obstacle === 'throttled' || answer.obstacle === 'dead' ? TRIES[answer.obstacle] : 1
      if (tries >= most) return answer
      try {
        await clock.sleep(delayMs, end)
      } catch {
        if (outer.aborted) throw abortReason(outer)
        return answer
      }
    }
  }

  const ask: Ask = async (question, call) => {
    const place = placeOf(question)
    return await place.slots.run(async () => {
      const beganMs = clock.monotonicMs()
      const answer = await tried(place, call)
      place.tookMs = Math.max(place.tookMs, Math.round(clock.monotonicMs() - beganMs))
      // Whoever says no has answered, but for what says nothing of the service itself.
      if (answer.known || answer.obstacle === 'refused') place.answered += 1
      // Silence beside a denial is no silence.
      else if (answer.obstacle !== 'dead' || place.failure === undefined) place.failure = answer
      return answer
    }, outer)
  }

  /** How a control plane has shown itself: one answer is enough to be reachable. */
  function plane(service: Service, region: string): PlaneState {
    const place = places.get(`${service} ${region}`)
    const at = { service, region, tookMs: place?.tookMs ?? 0 }
    if (place === undefined) {
      return { ...at, state: 'not-asked', silence: null, reason: 'nothing had to be asked of it' }
    }
    const { answered, failure } = place
    if (answered > 0) {
      const reason = failure === undefined ? null : `not for all questions: ${failure.reason}`
      return { ...at, state: 'reachable', silence: null, reason }
    }
    const { obstacle, silence, reason } = failure ?? unknown('not-asked', 'no question had come to its turn')
    return { ...at, state: obstacle === 'refused' ? 'reachable' : obstacle, silence, reason }
  }

  return { ask, plane }
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}
