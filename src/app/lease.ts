import { layout } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import { encodeLease, type LeaseRecord } from '../core/lease-record.ts'
import { currentOwner, type ProcessOwner } from '../core/process-owner.ts'
import type { ObjectInfo, Sink } from '../core/sink.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { startHeartbeat } from './lease-heartbeat.ts'
import { findLeases, isDenied, judgeLease, type LiveLease, readLease, readSinkClock } from './lease-place.ts'
import { holderOf, lockedBy } from './lease-text.ts'
import { type LeftLeases, removeOldLeases } from './old-leases.ts'
import type { OnEvent } from './run-event.ts'

export interface LeaseRequest {
  /** One of its own: a beat must not wait for a slot that a stream of hours holds. */
  readonly sink: Sink
  readonly job: string
  readonly ttlMs: number
  /** How long to wait for another run. */
  readonly waitMs: number
  readonly version: string
  readonly clock: Clock
  readonly onEvent: OnEvent
}

/**
 * One run of a job at a time. The highest number counts: it is held, given back, or expired by the sink's clock. To take
 * over is to create the next number, which the place grants to one only; nobody removes the highest number, so whoever
 * created a number after a look that was too old finds a higher one and steps back.
 *
 * A lease saves work, and correctness never rests on it: whatever is wrong with it, except that another run is at work,
 * is a warning and no reason not to dump.
 */
export interface Lease extends AsyncDisposable {
  /** Throws `locked` if another run is at work and does not end in time. Leaves nothing at the place. */
  awaitFree(signal: AbortSignal): Promise<void>
  /** Holds the lease for this run from now on, until it is disposed of; throws `locked` as above. */
  take(run: string, signal: AbortSignal): Promise<void>
}

/** For each look at the place and for taking a number, where a dead place would let its own retries go on for minutes. */
const LOOK_MS = 30_000
/** The end of a dump waits no longer for its lease. */
const RELEASE_MS = 5_000
/** Between two looks of one who waits: the longer it has waited, the longer. */
const MOST_POLL_MS = 10_000
const LEAST_POLL_MS = 250
/** Others were faster so often in a row: something is wrong with the place's listings. */
const MOST_ROUNDS = 20

interface Held {
  readonly number: number
  readonly since: Date
  readonly sinceMs: number
  readonly run: string
  /** Another run has taken over. */
  superseded: boolean
  stop(): Promise<void>
}

export function createLease(request: LeaseRequest): Lease {
  const { sink, job, ttlMs, waitMs, version, clock, onEvent } = request
  const place = { sink, job }
  const owner = currentOwner()
  // Whoever never takes the lease does not hear of it.
  owner.catch(() => undefined)
  let held: Held | undefined
  let waitedFromMs: number | undefined
  let lastSeen: LiveLease | undefined

  const warn = (message: string, hint: string) => onEvent({ kind: 'warning', message, hint })

  /** What goes wrong is told, unless it is the very news that the lease is there for, or the run's own end. */
  async function forgiving(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      throwIfAborted(signal)
      if (thrown instanceof LifeboatError && thrown.code === 'locked') throw thrown
      warn(
        `no lease for job '${job}' at ${sink.name}: ${messageOf(thrown)}`,
        'The dump goes on, but nothing prevents a second one at the same time; --no-lease asks for none.',
      )
    }
  }

  /** The number before the one to create, 0 where there is none, as soon as nobody holds it. */
  async function numberBefore(signal: AbortSignal): Promise<number> {
    for (;;) {
      let live: LiveLease | undefined
      try {
        const bounded = withTimeLimit(signal, LOOK_MS)
        const highest = (await findLeases(place, bounded)).leases.at(-1)
        live = highest && (await judgeLease(place, highest, bounded))
        if (live === undefined) return highest?.number ?? 0
        lastSeen = live
      } catch (thrown) {
        throwIfAborted(signal)
        // Who waits anyway need not start beside another run for a failure that passes.
        if (lastSeen === undefined || waitedMs() >= waitMs) throw thrown
        live = lastSeen
      }
      await waitFor(live, signal)
    }
  }

  function waitedMs(): number {
    return waitedFromMs === undefined ? 0 : clock.monotonicMs() - waitedFromMs
  }

  async function waitFor(live: LiveLease, signal: AbortSignal): Promise<void> {
    if (waitedFromMs === undefined) {
      waitedFromMs = clock.monotonicMs()
      if (waitMs > 0) onEvent({ kind: 'step', message: `waiting: ${holderOf(live)}` })
    }
    const waited = waitedMs()
    if (waited >= waitMs) throw lockedBy(place, live, { now: clock.now(), waitedMs: waited })
    const pollMs = Math.min(MOST_POLL_MS, Math.max(1_000, waited / 4), waitMs - waited, live.remainingMs)
    await clock.sleep(Math.max(LEAST_POLL_MS, pollMs), signal)
  }

  async function takeNumber(run: string, signal: AbortSignal): Promise<void> {
    const me = await owner
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const before = await numberBefore(signal)
      const number = before + 1
      const bounded = withTimeLimit(signal, LOOK_MS)
      const since = clock.now()
      const sinceMs = clock.monotonicMs()
      const lease: Held = { number, since, sinceMs, run, superseded: false, stop: async () => undefined }
      let created: ObjectInfo
      try {
        created = await write(lease, me, { ifAbsent: true, signal: bounded })
      } catch (thrown) {
        if (thrown instanceof LifeboatError && thrown.code === 'sink-exists') continue
        throw thrown
      }
      // From here on a failure must not leave it to block others.
      held = lease
      lease.stop = startHeartbeat({
        ttlMs,
        clock,
        beat: (beatSignal) => beat(lease, me, beatSignal),
        onLapsed: (thrown) =>
          warn(
            `the lease of job '${job}' at ${sink.name} has run out, since it could not be renewed: ${messageOf(thrown)}`,
            'This run goes on; another may start beside it, and then both make a whole backup.',
          ),
      }).stop
      if (!(await isExclusive(bounded))) {
        await stepBack(lease, me, bounded)
        warn(
          `no lease for job '${job}' at ${sink.name}: the place lets two writers create the same object`,
          'Nothing prevents a second dump at the same time: let one machine only run this job; --no-lease asks for no lease.',
        )
        return
      }
      const found = await lookAgain(bounded, signal)
      if (found?.leases.some((other) => other.number > number)) {
        // The look was too old: the numbers had gone on.
        await stepBack(lease, me, bounded)
        continue
      }
      if (found !== undefined) await tidy({ before, created, found }, bounded)
      return
    }
    throw new LifeboatError(
      'sink-unavailable',
      `unable to take lease of job '${job}' at ${sink.name}: each number that its listing leaves free is taken`,
      { hint: 'Look at what is below its lease folder; it may be removed while no dump runs.' },
    )
  }

  async function tidy(left: LeftLeases, signal: AbortSignal): Promise<void> {
    try {
      await removeOldLeases(place, ttlMs, left, signal)
    } catch (thrown) {
      // An account that may not delete keeps them all; anything else the next run can try again.
      if (!isDenied(thrown)) {
        onEvent({ kind: 'step', message: `old leases are still at ${sink.name}: ${messageOf(thrown)}` })
      }
    }
  }

  /** Undefined where the place fails just now: the first beat looks again. */
  async function lookAgain(bounded: AbortSignal, signal: AbortSignal) {
    try {
      return await findLeases(place, bounded)
    } catch (thrown) {
      throwIfAborted(signal)
      onEvent({ kind: 'step', message: `unable to look at the leases at ${sink.name}: ${messageOf(thrown)}` })
      return undefined
    }
  }

  /** Takes back a number that was created in vain. */
  async function stepBack(lease: Held, me: ProcessOwner, signal: AbortSignal): Promise<void> {
    held = undefined
    await lease.stop()
    try {
      await sink.delete([layout.lease(job, lease.number)], signal)
    } catch (thrown) {
      if (!isDenied(thrown)) throw thrown
      // An account that may write and not delete.
      await write(lease, me, { signal }, 'released')
    }
  }

  function write(
    lease: Held,
    holder: ProcessOwner,
    options: { readonly ifAbsent?: boolean; readonly signal: AbortSignal },
    state: LeaseRecord['state'] = 'held',
  ): Promise<ObjectInfo> {
    const record: LeaseRecord = {
      format: 1,
      job,
      run: lease.run,
      state,
      holder,
      lifeboat: version,
      since: lease.since.toISOString(),
      heldMs: Math.max(0, Math.round(clock.monotonicMs() - lease.sinceMs)),
      ttlMs,
    }
    return sink.write(layout.lease(job, lease.number), once(encodeLease(record)), options)
  }

  /** At an S3-compatible only a write shows it, and two writers at the same moment may hide it from one. */
  async function isExclusive(signal: AbortSignal): Promise<boolean> {
    if (!sink.traits.exclusiveCreate) await readSinkClock(place, signal)
    return sink.traits.exclusiveCreate
  }

  /**
   * Renews, then looks whether another run has taken over, as it may once the lease ran out: the machine was suspended,
   * the sink was away. This run goes on all the same. Hours of its dump may be done, the other's may yet fail, and two
   * whole backups harm nobody, while a lifeboat that gives up a good dump for a lock harms its owner. Its own number stays
   * renewed, by which a sweep sees that it lives.
   */
  async function beat(lease: Held, me: ProcessOwner, signal: AbortSignal): Promise<void> {
    await write(lease, me, { signal })
    if (lease.superseded) return
    const other = (await findLeases(place, signal)).leases.at(-1)
    if (other === undefined || other.number <= lease.number) return
    const record = await readLease(sink, other, signal)
    lease.superseded = true
    warn(
      `the lease of job '${job}' at ${sink.name} had run out and was taken over: ${holderOf({ record, number: other.number })}`,
      'Both runs go on, and each makes a whole backup; a machine that sleeps in the middle of a dump is a common cause.',
    )
  }

  return {
    awaitFree: (signal) =>
      forgiving(signal, async () => {
        await numberBefore(signal)
      }),
    take: (run, signal) => forgiving(signal, () => takeNumber(run, signal)),
    async [Symbol.asyncDispose]() {
      if (held === undefined) return
      const lease = held
      held = undefined
      await lease.stop()
      const signal = AbortSignal.timeout(RELEASE_MS)
      try {
        await write(lease, await owner, { signal }, 'released')
      } catch (thrown) {
        warn(
          `unable to give back the lease of job '${job}' at ${sink.name}: ${messageOf(thrown)}`,
          `It expires by itself after ${Math.round(ttlMs / 1000)} s.`,
        )
      }
    },
  }
}
