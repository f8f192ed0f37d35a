import type { Bytes } from '../../src/core/bytes.ts'
import { abortReason, LifeboatError } from '../../src/core/errors.ts'
import type { Sink } from '../../src/core/sink.ts'
import { orAborted } from '../../src/core/until-aborted.ts'

type Call = 'write' | 'read' | 'stat' | 'list' | 'delete' | 'purge' | 'sweep'

export interface SinkFault {
  readonly on: Call
  /** Which keys (or prefixes) it strikes; all where left out. */
  readonly key?: (key: string) => boolean
  /**
   * - `refuse`: throws `error` before anything is done.
   * - `break`: a write takes `afterBytes` and then fails with `error`; another call does its work, then fails.
   * - `stall`: a write takes `afterBytes` and then nothing more; another call never answers. Ends when aborted.
   * - `corrupt`: a read gives its range with one bit flipped.
   */
  readonly kind: 'refuse' | 'break' | 'stall' | 'corrupt'
  readonly error?: unknown
  readonly afterBytes?: number
  /** How many calls it strikes before all is well again; for ever where left out. */
  readonly times?: number
}

export interface FaultySink extends Sink {
  /** How often a fault has struck so far. */
  readonly struck: number
  /** Resolves when the next fault strikes: a stall can be waited for without sleeping. */
  nextStrike(): Promise<void>
}

/** Decorates a sink with faults; the first that fits a call is the one that strikes. */
export function withFaults(sink: Sink, faults: readonly SinkFault[]): FaultySink {
  const left = new Map(faults.map((fault) => [fault, fault.times ?? Number.POSITIVE_INFINITY]))
  const waiting: (() => void)[] = []
  let struck = 0

  function faultFor(call: Call, keys: readonly string[]): SinkFault | undefined {
    const fault = faults.find(
      (candidate) =>
        candidate.on === call &&
        (left.get(candidate) ?? 0) > 0 &&
        (candidate.key === undefined || keys.some(candidate.key)),
    )
    if (fault !== undefined) left.set(fault, (left.get(fault) ?? 0) - 1)
    return fault
  }
  function strike(): void {
    struck += 1
    for (const resolve of waiting.splice(0)) resolve()
  }
  const errorOf = (fault: SinkFault) =>
    fault.error ?? new LifeboatError('sink-unavailable', 'unable to reach the sink: a fault was injected')
  const never = (signal: AbortSignal) => orAborted(new Promise<never>(() => undefined), signal)

  /** A call without a body: what strikes it before, and after, its work. */
  async function around<T>(
    call: Call,
    keys: readonly string[],
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const fault = faultFor(call, keys)
    if (fault === undefined) return work()
    if (fault.kind === 'stall') {
      strike()
      return never(signal)
    }
    if (fault.kind === 'refuse') {
      strike()
      throw errorOf(fault)
    }
    const result = await work()
    strike()
    if (fault.kind === 'break') throw errorOf(fault)
    if (!(result instanceof Uint8Array) || result.length === 0)
      throw new Error('only a read can be corrupted')
    const corrupt = Uint8Array.from(result)
    const middle = corrupt.length >> 1
    corrupt[middle] = (corrupt[middle] ?? 0) ^ 1
    return corrupt as T
  }

  return {
    scheme: sink.scheme,
    name: sink.name,
    traits: sink.traits,
    get struck() {
      return struck
    },
    nextStrike: () => new Promise((resolve) => waiting.push(resolve)),
    async write(key, body, options) {
      const fault = faultFor('write', [key])
      if (fault === undefined) return sink.write(key, body, options)
      if (fault.kind === 'corrupt') throw new Error('only a read can be corrupted')
      if (fault.kind === 'refuse') {
        strike()
        throw errorOf(fault)
      }
      // The inner sink sees a body that fails, and so cleans up as it does in truth.
      return sink.write(key, broken(body, fault, options.signal), options)
    },
    read: (key, range, signal) => around('read', [key], signal, () => sink.read(key, range, signal)),
    stat: (key, signal) => around('stat', [key], signal, () => sink.stat(key, signal)),
    async *list(prefix, signal) {
      await around('list', [prefix], signal, async () => undefined)
      yield* sink.list(prefix, signal)
    },
    delete: (keys, signal) => around('delete', keys, signal, () => sink.delete(keys, signal)),
    ...(sink.purge !== undefined && {
      purge: (keys, signal) => around('purge', keys, signal, async () => sink.purge?.(keys, signal)),
    }),
    sweep: (prefix, olderThan, signal) =>
      around('sweep', [prefix], signal, () => sink.sweep(prefix, olderThan, signal)),
    byHand: (keys) => sink.byHand(keys),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }

  async function* broken(body: Bytes, fault: SinkFault, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let room = fault.afterBytes ?? 0
    for await (const piece of body) {
      if (piece.length >= room) {
        yield piece.subarray(0, room)
        break
      }
      room -= piece.length
      yield piece
    }
    strike()
    if (fault.kind === 'stall') await never(signal)
    throw signal.aborted ? abortReason(signal) : errorOf(fault)
  }
}
