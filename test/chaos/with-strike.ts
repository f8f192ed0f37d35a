import type { Bytes } from '../../src/core/bytes.ts'
import { LifeboatError, throwIfAborted } from '../../src/core/errors.ts'
import type { Sink } from '../../src/core/sink.ts'
import { orAborted } from '../../src/core/until-aborted.ts'

/** What befalls a sink at one of its calls, counted over all of them from 1, and at those that follow. */
export interface Strike {
  readonly call: number
  /** How many calls it lasts. */
  readonly calls: number
  /**
   * - `refuse`: throws before anything is done.
   * - `break`: a write takes `afterBytes` and fails; another call does its work and then fails.
   * - `lose-answer`: all the work is done, and then it fails.
   * - `stall`: a write takes `afterBytes`; then nothing more until it is aborted.
   * - `vanish`: as `stall`, and nothing ever answers again, not even an abort: the agent itself is gone.
   * - `corrupt`: what is read has one bit flipped.
   * - `act`: only tells; a write when it has taken `afterBytes`.
   */
  readonly how: 'refuse' | 'break' | 'lose-answer' | 'stall' | 'vanish' | 'corrupt' | 'act'
  readonly afterBytes: number
  /** Only calls of these kinds count; all where left out. */
  readonly on?: readonly (keyof Sink)[]
}

export interface StruckSink extends Sink {
  readonly calls: number
}

/** Decorates a sink so that something goes wrong at its n-th call: wherever in a dump that may be. */
export function withStrike(sink: Sink, strike: Strike, onStrike: () => void = () => undefined): StruckSink {
  let calls = 0
  let gone = false
  const forEver = () => new Promise<never>(() => undefined)
  const failure = () =>
    new LifeboatError('sink-unavailable', 'unable to reach the sink: a fault was injected', {
      hint: 'Run it again.',
    })

  function isStruck(kind: keyof Sink): boolean {
    if (strike.on !== undefined && !strike.on.includes(kind)) return false
    calls += 1
    return calls >= strike.call && calls < strike.call + strike.calls
  }

  async function around<T>(kind: keyof Sink, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (gone) return forEver()
    if (!isStruck(kind)) {
      const result = await work()
      return gone ? forEver() : result
    }
    const { how } = strike
    if (how === 'vanish') gone = true
    if (how === 'act' || how === 'stall' || how === 'vanish') onStrike()
    if (how === 'refuse') throw failure()
    if (how === 'stall') return orAborted(forEver(), signal)
    // Half of those that vanish have had their work done: it is all the same to the one who is gone.
    if (how === 'vanish' && strike.afterBytes % 2 === 0) return forEver()
    const result = await work()
    if (how === 'vanish') return forEver()
    if (how === 'break' || how === 'lose-answer') throw failure()
    if (how === 'corrupt' && result instanceof Uint8Array && result.length > 0) return flipped(result) as T
    return result
  }

  /** What another part was writing does not come to its end either. */
  async function* untilGone(body: Bytes): AsyncGenerator<Uint8Array> {
    for await (const piece of body) yield gone ? await forEver() : piece
    if (gone) await forEver()
  }

  async function* taking(body: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let room = strike.afterBytes
    for await (const piece of body) {
      if (piece.length < room) {
        room -= piece.length
        yield piece
        continue
      }
      if (room > 0) yield piece.subarray(0, room)
      await strikeBody(signal)
      if (room < piece.length) yield piece.subarray(room)
      room = Number.POSITIVE_INFINITY
    }
    // Shorter than that: it strikes at the end.
    if (Number.isFinite(room)) await strikeBody(signal)
  }

  async function strikeBody(signal: AbortSignal): Promise<void> {
    const { how } = strike
    if (how === 'vanish') gone = true
    if (how !== 'break') onStrike()
    if (how === 'vanish') return forEver()
    if (how === 'stall') await orAborted(forEver(), signal)
    if (how === 'break') throw failure()
    throwIfAborted(signal)
  }

  return {
    scheme: sink.scheme,
    name: sink.name,
    traits: sink.traits,
    get calls() {
      return calls
    },
    async write(key, body, options) {
      if (gone) return forEver()
      if (!isStruck('write')) {
        const info = await sink.write(key, strike.how === 'vanish' ? untilGone(body) : body, options)
        return gone ? forEver() : info
      }
      if (strike.how === 'refuse') throw failure()
      if (strike.how === 'lose-answer' || strike.how === 'corrupt') {
        await sink.write(key, body, options)
        throw failure()
      }
      return sink.write(key, taking(body, options.signal), options)
    },
    read: (key, range, signal) => around('read', signal, () => sink.read(key, range, signal)),
    stat: (key, signal) => around('stat', signal, () => sink.stat(key, signal)),
    async *list(prefix, signal) {
      await around('list', signal, async () => undefined)
      yield* sink.list(prefix, signal)
    },
    delete: (keys, signal) => around('delete', signal, () => sink.delete(keys, signal)),
    sweep: (prefix, olderThan, signal) =>
      around('sweep', signal, () => sink.sweep(prefix, olderThan, signal)),
    byHand: (keys) => sink.byHand(keys),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const middle = copy.length >> 1
  copy[middle] = (copy[middle] ?? 0) ^ 1
  return copy
}
