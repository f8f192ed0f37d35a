import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { liveRuns } from '../../src/app/live-runs.ts'
import { layout } from '../../src/core/backup-layout.ts'
import type { Sink } from '../../src/core/sink.ts'
import {
  createLeaseAgent,
  foreignRecord,
  goneRecord,
  type LeaseAgent,
  storedLeases,
  writeRecord,
} from '../testbed/lease-agent.ts'

/** One place with two ways to it, each as an agent of its own would have it. */
export interface LeasePlaceUnderTest {
  readonly sinks: readonly [Sink, Sink]
  cleanup(): Promise<void>
}

const ROUNDS = 50
const { signal } = new AbortController()

/** Two agents that race for one lease at a real place. `looksThenWrites`: a fake that two writers at once pass, which no agent can mend. */
export function describeLease(
  name: string,
  open: () => Promise<LeasePlaceUnderTest>,
  { looksThenWrites = false }: { readonly looksThenWrites?: boolean } = {},
): void {
  const racing = looksThenWrites ? test.skip : test
  // Mostly waiting, each with a job of its own.
  describe(`leases at ${name}`, { concurrent: true }, () => {
    let place: LeasePlaceUnderTest
    beforeAll(async () => {
      place = await open()
    })
    afterAll(() => place.cleanup())

    racing(`exactly one of two agents wins, ${ROUNDS} rounds`, async () => {
      // Which round starts from what, and how much later than the other each agent comes.
      const rounds = fc.sample(
        fc.record({
          job: fc.constantFrom('one', 'two'),
          before: fc.constantFrom('as it was', 'gone', 'released'),
          late: fc.tuple(fc.nat(30), fc.nat(30)),
        }),
        { numRuns: ROUNDS, seed: 4711 },
      )
      const first = place.sinks[0]
      for (const { job, before, late } of rounds) {
        if (before !== 'as it was') {
          const highest = Number((await storedLeases(first, job)).at(-1)?.[0].slice(0, -5) ?? 1)
          const record = before === 'gone' ? goneRecord({ job }) : foreignRecord({ job, state: 'released' })
          await writeRecord(first, highest, await record)
        }
        const agents = place.sinks.map((sink) => createLeaseAgent(sink, { job }))
        const results = await Promise.allSettled(
          agents.map(async ({ lease }, number) => {
            for (let turns = late[number] ?? 0; turns > 0; turns--) await setImmediate()
            await lease.take(`run ${number}`, signal)
          }),
        )
        const winners = results.flatMap(({ status }, number) => (status === 'fulfilled' ? [number] : []))
        expect(winners, JSON.stringify(results)).toHaveLength(1)
        expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
          reason: { code: 'locked' },
        })
        expect(agents.flatMap(({ events }) => events)).toEqual([])
        const stored = await storedLeases(first, job)
        expect(stored.at(-1)?.[1]).toMatchObject({ run: `run ${winners[0]}`, state: 'held' })
        expect([...(await liveRuns(first, job, signal))]).toEqual([`run ${winners[0]}`])
        for (const { lease } of agents) await lease[Symbol.asyncDispose]()
        expect((await storedLeases(first, job)).at(-1)?.[1]).toMatchObject({ state: 'released' })
      }
      for (const job of ['one', 'two']) expect(await storedLeases(first, job)).toHaveLength(1)
    })

    test('a dead holder elsewhere blocks for its lease and no longer, by the clock of the place', async () => {
      const [ours, theirs] = place.sinks
      const job = 'dead'
      const ttlMs = 3_000
      await writeRecord(theirs, 1, await foreignRecord({ job, ttlMs }))
      const begun = performance.now()
      await expect(createLeaseAgent(ours, { job }).lease.awaitFree(signal)).rejects.toMatchObject({
        code: 'locked',
      })
      const agent: LeaseAgent = createLeaseAgent(ours, { job, waitMs: 30_000 })
      await agent.lease.take('ours', signal)
      // Places tell the time in whole seconds.
      expect(performance.now() - begun).toBeGreaterThan(ttlMs - 2_000)
      expect(performance.now() - begun).toBeLessThan(ttlMs + 8_000)
      await agent.lease[Symbol.asyncDispose]()
      expect(agent.warnings()).toEqual([])
    })

    test('a holder that beats outlives its lease', async () => {
      const [ours, theirs] = place.sinks
      const job = 'alive'
      const ttlMs = 3_000
      const holder = createLeaseAgent(ours, { job, ttlMs })
      await holder.lease.take('ours', signal)
      const other = createLeaseAgent(theirs, { job, waitMs: 5_000 })
      await expect(other.lease.awaitFree(signal)).rejects.toMatchObject({ code: 'locked' })
      expect(await theirs.stat(layout.lease(job, 1), signal)).toBeDefined()
      await holder.lease[Symbol.asyncDispose]()
      await other.lease.awaitFree(signal)
      expect(holder.warnings()).toEqual([])
    })
  })
}
