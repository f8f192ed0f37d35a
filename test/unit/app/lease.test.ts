import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LeaseRequest } from '../../../src/app/lease.ts'
import { liveRuns } from '../../../src/app/live-runs.ts'
import { once } from '../../../src/core/bytes.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { LifeboatError, throwIfAborted } from '../../../src/core/errors.ts'
import type { Sink } from '../../../src/core/sink.ts'
import {
  createLeaseAgent,
  foreignRecord,
  goneRecord,
  storedLeases,
  writeRecord,
} from '../../testbed/lease-agent.ts'
import { createMemorySink } from '../../testbed/memory-sink.ts'
import { createMovableTime } from '../../testbed/movable-clock.ts'
import { withFaults } from '../../testbed/sink-faults.ts'

const { signal } = new AbortController()
const MINUTE = 60_000
const RUN = '20261122T210000Z-aaaa'
const OTHER = '20261122T210000Z-bbbb'

function scene() {
  const time = createMovableTime()
  const sink = createMemorySink({ now: time.now })
  const agent = (settings: Partial<LeaseRequest> = {}, at: Sink = sink) =>
    createLeaseAgent(at, { clock: time.clock(), ...settings })
  return { time, sink, agent }
}

describe('one run at a time', () => {
  test('the second is told who is at it, since when and until when', async () => {
    const { time, sink, agent } = scene()
    await using first = agent().lease
    await first.take(RUN, signal)
    await time.advance(10 * MINUTE)
    const second = agent()
    const locked = await second.lease.awaitFree(signal).catch((thrown: unknown) => thrown)
    expect(locked).toMatchObject({
      code: 'locked',
      exitCode: 40,
      details: {
        run: RUN,
        pid: process.pid,
        since: '2026-11-22T21:00:00.000Z',
        expires: '2026-11-22T21:25:00.000Z',
      },
    })
    expect(String(locked)).toMatch(
      new RegExp(
        `unable to dump job 'shop' to memory://: run ${RUN} of host '.+', pid ${process.pid}, is at it since 2026-11-22 21:00:00Z; its lease expires at 2026-11-22 21:25:00Z`,
      ),
    )
    await expect(second.lease.take(OTHER, signal)).rejects.toMatchObject({ code: 'locked' })
    // Looking leaves nothing there.
    expect((await storedLeases(sink)).map(([name]) => name)).toEqual(['000001.json'])
    expect(second.events).toEqual([])
  })

  test('the next may go as soon as the lease is given back', async () => {
    const { sink, agent } = scene()
    const first = agent()
    await first.lease.take(RUN, signal)
    await first.lease[Symbol.asyncDispose]()
    await first.lease[Symbol.asyncDispose]()
    expect(await storedLeases(sink)).toMatchObject([['000001.json', { state: 'released', run: RUN }]])
    await using second = agent().lease
    await second.take(OTHER, signal)
    expect((await storedLeases(sink)).at(-1)).toMatchObject(['000002.json', { state: 'held', run: OTHER }])
  })

  test('other jobs at the same place have leases of their own', async () => {
    const { agent } = scene()
    await using one = agent().lease
    await one.take(RUN, signal)
    await using two = agent({ job: 'ledger' }).lease
    await two.take(OTHER, signal)
  })

  test('one that waits goes when the first ends, or gives up in its time', async () => {
    const { time, agent } = scene()
    const first = agent().lease
    await first.take(RUN, signal)
    const patient = agent({ waitMs: 20 * MINUTE })
    const short = agent({ waitMs: 5 * MINUTE })
    const waiting = patient.lease.awaitFree(signal)
    const begun = time.now()
    await expect(time.passUntil(short.lease.awaitFree(signal))).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringMatching(/, after a wait of \d{3} s; its lease expires/),
    })
    expect(time.now().getTime() - begun.getTime()).toBeGreaterThanOrEqual(5 * MINUTE)
    await first[Symbol.asyncDispose]()
    await time.passUntil(waiting)
    expect(patient.events).toEqual([
      { kind: 'step', message: expect.stringMatching(/^waiting: run .* is at it$/) },
    ])
    await using own = patient.lease
    await own.take(OTHER, signal)
  })

  test('who waits gets over a place that fails meanwhile', async () => {
    const { time, sink, agent } = scene()
    const first = agent().lease
    await first.take(RUN, signal)
    let dead = false
    const flaky = withFaults(sink, [{ on: 'list', key: () => dead, kind: 'refuse' }])
    const patient = agent({ waitMs: 20 * MINUTE }, flaky)
    const waiting = patient.lease.awaitFree(signal)
    const passed = time.passUntil(waiting)
    await until(() => patient.events.length > 0)
    dead = true
    await flaky.nextStrike()
    await flaky.nextStrike()
    dead = false
    await first[Symbol.asyncDispose]()
    await passed
    expect(patient.warnings()).toEqual([])
  })

  test('waiting ends when the run is interrupted', async () => {
    const { time, agent } = scene()
    await using first = agent().lease
    await first.take(RUN, signal)
    const stop = new AbortController()
    const waiting = agent({ waitMs: 20 * MINUTE }).lease.awaitFree(stop.signal)
    const error = new LifeboatError('interrupted', 'interrupted by Ctrl-C')
    const ended = expect(waiting).rejects.toBe(error)
    await time.advance(MINUTE)
    stop.abort(error)
    await ended
  })
})

describe('a dead holder', () => {
  test('blocks others no longer than its lease, whatever their clocks say', async () => {
    for (const skewMs of [-5 * 3_600_000, 0, 5 * 3_600_000]) {
      const { time, sink, agent } = scene()
      await writeRecord(sink, 1, await foreignRecord({ ttlMs: 15 * MINUTE }))
      const other = agent({ clock: time.clock(skewMs) }).lease
      await time.advance(15 * MINUTE - 1)
      await expect(other.take(OTHER, signal)).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringContaining("host 'bastion-far', pid 4711"),
      })
      await time.advance(1)
      await other.take(OTHER, signal)
      expect((await storedLeases(sink)).at(-1)).toMatchObject(['000002.json', { run: OTHER }])
      await other[Symbol.asyncDispose]()
    }
  })

  test('of this machine blocks nobody', async () => {
    const { sink, agent } = scene()
    await writeRecord(sink, 7, await goneRecord())
    await using other = agent().lease
    await other.take(OTHER, signal)
    expect((await storedLeases(sink)).at(-1)).toMatchObject(['000008.json', { run: OTHER }])
  })

  test('of a machine with the same name, or of an unknown start, is not taken for one of this', async () => {
    const { sink, agent } = scene()
    const gone = await goneRecord()
    const others = [
      { ...gone.holder, boot: 'another' },
      { ...gone.holder, boot: '' },
      { ...gone.holder, pidNamespace: 'pid:[1]' },
      { ...gone.holder, pidNamespace: '' },
      { ...gone.holder, startTime: null },
    ]
    for (const holder of others) {
      await writeRecord(sink, 1, { ...gone, holder })
      await expect(agent().lease.awaitFree(signal)).rejects.toMatchObject({ code: 'locked' })
    }
  })

  test('whose sink had its clock set back blocks no longer either', async () => {
    const { time, sink, agent } = scene()
    await time.advance(26 * 60 * MINUTE)
    await writeRecord(sink, 1, await foreignRecord())
    const future = sink.objects.get('shop/lease/000001.json')
    const before = createMovableTime()
    const corrected = createMemorySink({ now: before.now })
    if (future !== undefined) corrected.objects.set('shop/lease/000001.json', future)
    await using other = agent({}, corrected).lease
    await other.take(OTHER, signal)
  })

  test('with a record that nobody can read counts for the usual time', async () => {
    const { time, sink, agent } = scene()
    for (const text of ['', '{', '{"format":2}', 'null', `"${'x'.repeat(100_000)}"`]) {
      await sink.write('shop/lease/000003.json', once(Buffer.from(text)), { signal })
      const locked = agent().lease.awaitFree(signal)
      await expect(locked).rejects.toMatchObject({
        message: expect.stringContaining('lease 3, which can not be read'),
      })
    }
    await time.advance(15 * MINUTE)
    await agent().lease.awaitFree(signal)
  })

  test('that claims a lease of years does not get it', async () => {
    const { time, sink, agent } = scene()
    await writeRecord(sink, 1, await foreignRecord({ ttlMs: 1e12 }))
    await expect(agent().lease.awaitFree(signal)).rejects.toMatchObject({ code: 'locked' })
    await time.advance(15 * MINUTE)
    await agent().lease.awaitFree(signal)
  })
})

describe('a living holder', () => {
  test('keeps others out for hours, by one object', async () => {
    const { time, sink, agent } = scene()
    const first = agent()
    await using lease = first.lease
    await lease.take(RUN, signal)
    for (let hour = 1; hour <= 30; hour++) {
      await time.advance(60 * MINUTE)
      await expect(agent().lease.awaitFree(signal)).rejects.toMatchObject({ code: 'locked' })
    }
    expect((await storedLeases(sink)).map(([name]) => name)).toEqual(['000001.json'])
    expect(first.events).toEqual([])
  })

  test('gets over a place that fails for less than the lease, without a word', async () => {
    const { time, sink, agent } = scene()
    const flaky = agent({}, withFaults(sink, [{ on: 'write', key: onceWritten(), kind: 'refuse', times: 5 }]))
    await using lease = flaky.lease
    await lease.take(RUN, signal)
    await time.advance(14 * MINUTE)
    await expect(agent().lease.awaitFree(signal)).rejects.toMatchObject({ code: 'locked' })
    expect(flaky.events).toEqual([])
  })

  test('that was suspended beyond its lease learns that it was taken over, goes on, and is spared by sweeps', async () => {
    const { time, sink, agent } = scene()
    const suspended = createMovableTime()
    const first = createLeaseAgent(sink, { clock: suspended.clock() })
    await first.lease.take(RUN, signal)
    await time.advance(16 * MINUTE)
    expect([...(await liveRuns(sink, 'shop', signal))]).toEqual([])
    await using second = agent().lease
    await second.take(OTHER, signal)
    await suspended.jump(16 * MINUTE)
    expect(first.warnings()).toEqual([
      expect.stringMatching(new RegExp(`had run out and was taken over: run ${OTHER} of host`)),
    ])
    expect([...(await liveRuns(sink, 'shop', signal))]).toEqual([RUN, OTHER])
    await suspended.advance(60 * MINUTE)
    expect(first.warnings()).toHaveLength(1)
    await first.lease[Symbol.asyncDispose]()
    await expect(agent().lease.awaitFree(signal)).rejects.toMatchObject({ details: { run: OTHER } })
    expect([...(await liveRuns(sink, 'shop', signal))]).toEqual([OTHER])
  })

  test('is told once that its lease ran out for a dead place, and renews it when the place is back', async () => {
    const { time, sink, agent } = scene()
    let dead = false
    const first = agent({}, withFaults(sink, [{ on: 'write', key: () => dead, kind: 'refuse' }]))
    await using lease = first.lease
    await lease.take(RUN, signal)
    dead = true
    await time.advance(60 * MINUTE)
    expect(first.warnings()).toEqual([expect.stringContaining('has run out, since it could not be renewed')])
    dead = false
    await time.advance(5 * MINUTE)
    await expect(agent().lease.awaitFree(signal)).rejects.toMatchObject({ code: 'locked' })
  })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}

/** True from the second write on. */
function onceWritten(): () => boolean {
  let writes = 0
  return () => writes++ > 0
}

describe('a place that fails', () => {
  const error = new LifeboatError('sink-denied', 'access denied')

  test.for(['list', 'read', 'write', 'stat', 'delete'] as const)(
    'on %s, at any call, never stops the dump nor blocks for longer than the lease',
    async (on) => {
      for (const kind of ['refuse', 'break'] as const) {
        for (let healthy = 0; healthy < 4; healthy++) {
          const { time, sink, agent } = scene()
          await writeRecord(sink, 1, await foreignRecord())
          await writeRecord(sink, 2, await foreignRecord())
          await time.advance(16 * MINUTE)
          let calls = 0
          const failing = withFaults(sink, [{ on, key: () => calls++ >= healthy, kind, error }])
          const first = agent({}, failing)
          await first.lease.awaitFree(signal)
          await first.lease.take(RUN, signal)
          for (const warning of first.warnings())
            expect(warning).toMatch(/^no lease for job 'shop' at memory:\/\/: /)
          await first.lease[Symbol.asyncDispose]()
          await time.advance(15 * MINUTE)
          await using second = agent().lease
          await second.take(OTHER, signal)
          expect((await storedLeases(sink)).at(-1)?.[1]).toMatchObject({ run: OTHER })
        }
      }
    },
  )

  test('when the lease is given back is told, and delays the end by seconds only', async () => {
    const { sink, agent } = scene()
    let dead = false
    const first = agent({}, withFaults(sink, [{ on: 'write', key: () => dead, kind: 'stall' }]))
    await first.lease.take(RUN, signal)
    dead = true
    const begun = performance.now()
    await first.lease[Symbol.asyncDispose]()
    expect(performance.now() - begun).toBeLessThan(8_000)
    expect(first.warnings()).toEqual([expect.stringContaining('unable to give back the lease')])
  })

  test('in the middle of a beat that stalls does not hold up the end', async () => {
    const { time, sink, agent } = scene()
    const stalling = withFaults(sink, [{ on: 'write', key: onceWritten(), kind: 'stall', times: 1 }])
    const first = agent({}, stalling)
    await first.lease.take(RUN, signal)
    await time.advance(6 * MINUTE)
    expect(stalling.struck).toBe(1)
    const begun = performance.now()
    await first.lease[Symbol.asyncDispose]()
    expect(performance.now() - begun).toBeLessThan(1_000)
    expect((await storedLeases(sink)).at(-1)?.[1]).toMatchObject({ state: 'released' })
  })

  test('for lack of a promise to create exclusively has no lease, says so, and keeps nothing', async () => {
    for (const [deletes, left] of [
      [true, []],
      [false, [['000001.json', 'released']]],
    ] as const) {
      const lax = createMemorySink({ traits: { exclusiveCreate: false } })
      const sink = deletes ? lax : withFaults(lax, [{ on: 'delete', kind: 'refuse', error }])
      const first = createLeaseAgent(sink)
      await first.lease.awaitFree(signal)
      await first.lease.take(RUN, signal)
      expect(first.warnings()).toEqual([expect.stringContaining('lets two writers create the same object')])
      expect(
        (await storedLeases(lax)).flatMap(([name, record]) =>
          record === undefined ? [] : [[name, record.state]],
        ),
      ).toEqual(left)
      const second = createLeaseAgent(sink)
      await second.lease.awaitFree(signal)
      await second.lease.take(OTHER, signal)
    }
  })
})

describe('what lies there', () => {
  test('is one object after any number of runs, and what was cut off goes', async () => {
    const { time, sink, agent } = scene()
    for (let run = 0; run < 5; run++) {
      await sink.write(`shop/lease/tick-${'0123456789abcdef'}`, once(Buffer.from('\n')), { signal })
      await time.advance(60 * MINUTE)
      const { lease, events } = agent()
      await lease.take(RUN, signal)
      await lease[Symbol.asyncDispose]()
      expect(events).toEqual([])
      const names = (await storedLeases(sink)).map(([name]) => name)
      expect(names).toEqual([`00000${run + 1}.json`])
    }
  })

  test('stays where the account may not delete, and does no harm', async () => {
    const { time, sink, agent } = scene()
    const error = new LifeboatError('sink-denied', 'access denied')
    const append = withFaults(sink, [{ on: 'delete', kind: 'refuse', error }])
    for (let run = 1; run <= 3; run++) {
      await time.advance(60 * MINUTE)
      const { lease, events } = agent({}, append)
      await lease.awaitFree(signal)
      await lease.take(RUN, signal)
      await lease[Symbol.asyncDispose]()
      expect(events).toEqual([])
      expect(await storedLeases(sink)).toHaveLength(run)
    }
  })

  test('goes beyond six digits', async () => {
    const { sink, agent } = scene()
    await writeRecord(sink, 999_999, await foreignRecord({ state: 'released' }))
    for (const number of [1_000_000, 1_000_001]) {
      await using lease = agent().lease
      await lease.take(RUN, signal)
      expect(sink.objects.has(`shop/lease/${number}.json`)).toBe(true)
    }
  })
})

describe('liveRuns', () => {
  test('are those of leases that are held and not expired', async () => {
    const { time, sink } = scene()
    expect([...(await liveRuns(sink, 'shop', signal))]).toEqual([])
    await writeRecord(sink, 1, await foreignRecord({ run: 'expired' }))
    await time.advance(16 * MINUTE)
    await writeRecord(sink, 2, await foreignRecord({ run: 'released', state: 'released' }))
    await writeRecord(sink, 3, await goneRecord({ run: 'gone' }))
    await writeRecord(sink, 4, await foreignRecord({ run: 'lost its lease, and lives' }))
    await writeRecord(sink, 5, await foreignRecord({ run: 'holds it' }))
    await sink.write('shop/lease/000006.json', once(Buffer.from('rubbish')), { signal })
    expect([...(await liveRuns(sink, 'shop', signal))]).toEqual(['lost its lease, and lives', 'holds it'])
    expect([...sink.objects.keys()].filter((key) => key.includes('tick'))).toEqual([])
  })

  test('count all that are held where the clock can not be read', async () => {
    const { time, sink } = scene()
    await writeRecord(sink, 1, await foreignRecord({ run: 'expired, perhaps' }))
    await time.advance(16 * MINUTE)
    const denied = new LifeboatError('sink-denied', 'read only')
    const readOnly = withFaults(sink, [{ on: 'write', kind: 'refuse', error: denied }])
    expect([...(await liveRuns(readOnly, 'shop', signal))]).toEqual(['expired, perhaps'])
    const dead = withFaults(sink, [{ on: 'write', kind: 'refuse' }])
    await expect(liveRuns(dead, 'shop', signal)).rejects.toMatchObject({ code: 'sink-unavailable' })
  })
})

describe('agents that race', () => {
  /** A call takes its effect after some turns of the loop, and is answered after some more. */
  function withTurns(sink: Sink, turns: () => number): Sink {
    const some = async () => {
      for (let left = turns(); left > 0; left--) await setImmediate()
    }
    const around = async <T>(work: () => Promise<T>): Promise<T> => {
      await some()
      const result = await work()
      await some()
      return result
    }
    return {
      ...sink,
      write: (key, body, options) => around(() => sink.write(key, body, options)),
      read: (key, range, stop) => around(() => sink.read(key, range, stop)),
      stat: (key, stop) => around(() => sink.stat(key, stop)),
      delete: (keys, stop) => around(() => sink.delete(keys, stop)),
      async *list(prefix, stop) {
        const found = await around(() => Array.fromAsync(sink.list(prefix, stop)))
        yield* found
      },
    }
  }
  /** Sleeps take no time: whoever waits looks again soon. */
  const hasty: Clock = {
    now: () => new Date(),
    monotonicMs: () => 0,
    async sleep(ms, stop) {
      for (let left = ms > 60_000 ? 1e9 : 3; left > 0; left--) {
        throwIfAborted(stop)
        await setImmediate()
      }
    },
  }

  test('of which one looked long ago: it creates a number that was used and removed, sees that, and steps back', async () => {
    const sink = createMemorySink()
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const slow: Sink = {
      ...sink,
      async write(key, body, options) {
        if (key === 'shop/lease/000001.json') {
          reached.resolve()
          await gate.promise
        }
        return sink.write(key, body, options)
      },
    }
    const late = createLeaseAgent(slow)
    const taking = late.lease.take('late', signal)
    await reached.promise
    for (const run of ['first', 'second']) {
      await using lease = createLeaseAgent(sink).lease
      await lease.take(run, signal)
    }
    await using holder = createLeaseAgent(sink).lease
    await holder.take('third', signal)
    gate.resolve()
    await expect(taking).rejects.toMatchObject({ code: 'locked', details: { run: 'third' } })
    expect((await storedLeases(sink)).map(([name]) => name)).toEqual(['000003.json'])
  })

  test('are never two inside, however their calls interleave, and all get their turn', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(
          fc.oneof({ weight: 15, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.constant(300) }),
        ),
        fc.integer({ min: 2, max: 4 }),
        fc.constantFrom('none', 'gone', 'released', 'expired'),
        async (stream, agents, before) => {
          const next = () => Number(stream.next().value)
          const sink = createMemorySink({ now: () => new Date() })
          if (before === 'gone') await writeRecord(sink, 3, await goneRecord())
          if (before === 'released') await writeRecord(sink, 3, await foreignRecord({ state: 'released' }))
          if (before === 'expired') {
            const old = createMovableTime('2020-01-01T00:00:00Z')
            const past = createMemorySink({ now: old.now })
            await writeRecord(past, 3, await foreignRecord())
            for (const [key, object] of past.objects) sink.objects.set(key, object)
          }
          let inside = 0
          let turns = 0
          const runs = Array.from({ length: agents }, async (_, number) => {
            const { lease, warnings } = createLeaseAgent(withTurns(sink, next), { clock: hasty, waitMs: 1 })
            await lease.take(`run ${number}`, signal)
            inside += 1
            expect(inside).toBe(1)
            for (let left = next(); left > 0; left--) await setImmediate()
            inside -= 1
            turns += 1
            await lease[Symbol.asyncDispose]()
            expect(warnings()).toEqual([])
          })
          await Promise.all(runs)
          expect(turns).toBe(agents)
        },
      ),
      { numRuns: 100 },
    )
  })
})
