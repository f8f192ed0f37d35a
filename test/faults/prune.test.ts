import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listBackups, resolveBackupId } from '../../src/app/catalog.ts'
import { openSink } from '../../src/app/registry.ts'
import { runVerify } from '../../src/app/verify.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { once } from '../../src/core/bytes.ts'
import { systemClock } from '../../src/core/clock.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Sink } from '../../src/core/sink.ts'
import { LINE_PLACES, type LinePlace, type LineRoot, SSH_PASSPHRASE } from '../testbed/line-places.ts'
import { createMemorySink, type MemorySink } from '../testbed/memory-sink.ts'
import { DAY_MS, NOW, prune, storeDaily } from '../testbed/prune-runs.ts'
import { lacks } from '../testbed/requirement.ts'

const { signal } = new AbortController()
const job = 'shop'
const killed = new Error('the agent was killed')

const three = [
  { name: 'shop', data: Buffer.from('SELECT 1') },
  { name: 'zoo', data: Buffer.from('SELECT 2') },
  { name: 'accounts', data: Buffer.from('CREATE USER') },
]

const put = (sink: Sink, key: string) => sink.write(key, once(Buffer.from('left')), { signal })

/** What everybody relies on, whatever has happened: what is listed is whole, and `latest` is the newest of them. */
async function expectSound(sink: Sink, newest: string): Promise<readonly string[]> {
  const listed = await listBackups(sink, job, signal)
  expect(listed.filter(({ problem }) => problem !== undefined)).toEqual([])
  for (const { id } of listed) {
    await runVerify({ sink, job, id, deep: true, clock: systemClock, onEvent: () => undefined }, signal)
  }
  expect(await resolveBackupId(sink, job, undefined, signal)).toBe(newest)
  return listed.map(({ id }) => id)
}

describe('a prune that is killed', () => {
  /** Removes one key at a time, and dies before or after the given one. */
  function dyingAt(sink: MemorySink, at: number, when: 'before' | 'after'): { sink: Sink; dead(): boolean } {
    let count = 0
    let dead = false
    const dying: Sink = {
      ...sink,
      async delete(keys, abort) {
        for (const key of keys) {
          if (dead) throw killed
          count += 1
          dead = count === at
          if (dead && when === 'before') throw killed
          await sink.delete([key], abort)
          if (dead) throw killed
        }
      },
    }
    return { sink: dying, dead: () => dead }
  }

  async function fill(): Promise<{ sink: MemorySink; ids: string[] }> {
    let now = new Date('2026-11-01T00:00:00.000Z')
    const sink = createMemorySink({ now: () => now })
    const ids = await storeDaily(sink, 4, { parts: three })
    for (const key of ['0001.sql', '0002.sql'])
      await put(sink, layout.object(job, '20261020T000000Z-gone', key))
    now = new Date(NOW)
    return { sink, ids }
  }

  test.each(['before', 'after'] as const)(
    'at any of its deletions leaves only whole backups, and the next one ends the work (%s it)',
    async (when) => {
      let at = 1
      for (; ; at++) {
        const { sink, ids } = await fill()
        const dying = dyingAt(sink, at, when)
        await prune(dying.sink, { retention: { last: 2 } }).catch(() => undefined)
        if (!dying.dead()) break
        const listed = await expectSound(sink, ids[3] ?? '')
        expect(listed).toEqual(expect.arrayContaining(ids.slice(2)))
        const next = await prune(sink, { retention: { last: 2 } })
        expect(next).toMatchObject({ kept: ids.slice(2), failures: [] })
        const left = [...sink.objects.keys()]
        expect(left.filter((key) => [...ids.slice(0, 2), '-gone'].some((id) => key.includes(id)))).toEqual([])
        expect(await expectSound(sink, ids[3] ?? '')).toEqual(ids.slice(2))
      }
      // Two backups of a manifest, three parts, contents and index; two leftovers; one object for the clock.
      expect(at - 1).toBeGreaterThanOrEqual(2 * 6 + 2)
    },
  )

  test('removes the manifest of each backup before any of its data', async () => {
    const { sink, ids } = await fill()
    const order: string[] = []
    const watching: Sink = {
      ...sink,
      async delete(keys, abort) {
        order.push(...keys)
        return sink.delete(keys, abort)
      },
    }
    await prune(watching, { retention: { last: 2 } })
    for (const id of ids.slice(0, 2)) {
      const own = order.filter((key) => key.includes(id))
      expect(own[0]).toBe(layout.manifest(job, id))
      expect(own.slice(1, 3)).toEqual([layout.signature(job, id), layout.verified(job, id)])
      expect(own.slice(3).every((key) => key.startsWith(layout.dataOf(job, id)))).toBe(true)
      expect(own).toHaveLength(8)
    }
    // The oldest first.
    expect(order.indexOf(layout.manifest(job, ids[0] ?? ''))).toBeLessThan(
      order.indexOf(layout.manifest(job, ids[1] ?? '')),
    )
  })

  test('an interruption ends it before the next deletion', async () => {
    const { sink, ids } = await fill()
    const stop = new AbortController()
    const reason = new LifeboatError('interrupted', 'the run was interrupted')
    const { runPrune } = await import('../../src/app/prune.ts')
    const stopping: Sink = {
      ...sink,
      async delete(keys, abort) {
        await sink.delete(keys, abort)
        stop.abort(reason)
      },
    }
    await expect(
      runPrune(
        {
          sink: stopping,
          job,
          retention: { last: 1 },
          damaged: false,
          versions: false,
          confirm: true,
          sweepOlderThanMs: DAY_MS,
          journal: { live: async () => [] },
          clock: { ...systemClock, now: () => new Date(NOW) },
          onEvent: () => undefined,
          onFailure: () => undefined,
        },
        stop.signal,
      ),
    ).rejects.toBe(reason)
    expect(await expectSound(sink, ids[3] ?? '')).toEqual(ids.slice(1))
  })
})

describe.each(LINE_PLACES)('at a real sink: $kind', ({ requires, start }) => {
  describe.skipIf(lacks(...requires))('when the server answers', { timeout: 60_000 }, () => {
    let place: LinePlace
    let root: LineRoot
    let home: string
    let sink: Sink
    beforeAll(async () => {
      place = await start()
      root = await place.newRoot()
      home = await mkdtemp(join(tmpdir(), 'prune-test-'))
      sink = await openSink(await root.url(), {
        home,
        stateFolder: join(home, 'state'),
        agentSocket: undefined,
        password: undefined,
        passphrase: async () => new Secret(SSH_PASSPHRASE),
      })
    })
    afterAll(async () => {
      await sink?.[Symbol.asyncDispose]()
      await place?.[Symbol.asyncDispose]()
      await rm(home, { recursive: true, force: true })
    })

    test('what is removed is gone from the place itself; what stays verifies', async () => {
      const ids = await storeDaily(sink, 4, { parts: three })
      await put(sink, layout.object(job, '20261020T000000Z-gone', '0001.sql'))
      const report = await prune(sink, { retention: { last: 2 } })
      expect(report).toMatchObject({ kept: ids.slice(2), gone: ids.slice(0, 2), failures: [], leftovers: [] })
      const names = await root.names()
      expect(names.filter((name) => ids.slice(0, 2).some((id) => name.includes(id)))).toEqual([])
      expect(names.filter((name) => name.includes('-gone'))).toHaveLength(1)
      expect(names.filter((name) => name.includes('tick'))).toEqual([])
      // A bound in the future: what is there now is old enough.
      const swept = await prune(sink, { retention: { last: 2 }, sweepOlderThanMs: -DAY_MS })
      expect(swept.leftovers).toMatchObject([{ id: '20261020T000000Z-gone', bytes: 4 }])
      expect((await root.names()).filter((name) => name.includes('-gone'))).toEqual([])
      expect(await expectSound(sink, ids[3] ?? '')).toEqual(ids.slice(2))
    })
  })
})
