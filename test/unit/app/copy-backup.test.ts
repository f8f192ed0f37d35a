import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listBackups } from '../../../src/app/catalog.ts'
import { copyBackup } from '../../../src/app/copy-backup.ts'
import type { BegunRun } from '../../../src/app/dead-runs.ts'
import { runDump } from '../../../src/app/dump.ts'
import { runVerify } from '../../../src/app/verify.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createFileJournal } from '../../../src/core/journal.ts'
import { CHUNK_BYTES, type Sink } from '../../../src/core/sink.ts'
import { createMemoryEngine } from '../../testbed/memory-engine.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { sampleBytes } from '../../testbed/sample-bytes.ts'
import { withFaults } from '../../testbed/sink-faults.ts'

const { signal } = new AbortController()
const parts = [
  { name: 'shop', data: sampleBytes(3 * CHUNK_BYTES + 10) },
  { name: 'accounts', data: Buffer.from('CREATE USER') },
]

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copy-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const journal = () => createFileJournal<BegunRun>(join(folder, 'runs'))
const onEvent = () => undefined

async function backup(maxChunks?: number): Promise<{ from: MemorySink; id: string }> {
  const from = createMemorySink()
  const { manifest } = await runDump(
    {
      engine: createMemoryEngine({ parts, tables: [] }),
      sink: from,
      stages: [],
      job: 'shop',
      counts: 'exact',
      jobs: 1,
      stallTimeoutMs: 60_000,
      ...(maxChunks !== undefined && { maxChunks }),
      version: '0.0.0',
      journal: journal(),
      clock: systemClock,
      onEvent,
    },
    signal,
  )
  return { from, id: manifest.id }
}

const copy = (from: Sink, to: Sink, id: string) =>
  copyBackup({ from, to, job: 'shop', id, journal: journal(), onEvent }, signal)
const bytesOf = (sink: MemorySink) =>
  [...sink.objects].map(([key, { data }]) => [key, Buffer.from(data ?? '').toString('base64')]).sort()

describe('copyBackup', () => {
  test('makes the same backup, object by object, and does it once', async () => {
    const { from, id } = await backup()
    const to = createMemorySink()
    const first = await copy(from, to, id)
    expect(first.copiedBytes).toBe(3 * CHUNK_BYTES + 10 + 'CREATE USER'.length)
    expect(bytesOf(to)).toEqual(bytesOf(from))
    await runVerify({ sink: to, job: 'shop', id, deep: true, clock: systemClock, onEvent }, signal)
    expect((await copy(from, to, id)).copiedBytes).toBe(0)
  })

  test('fits a place that takes fewer chunks, when the dump knew of it', async () => {
    const to = createMemorySink({ traits: { maxChunks: 2 } })
    const unaware = await backup()
    await expect(copy(unaware.from, to, unaware.id)).rejects.toMatchObject({ code: 'unsupported' })
    expect([...to.objects.keys()]).toEqual([])
    const { from, id } = await backup(2)
    await copy(from, to, id)
    expect(bytesOf(to)).toEqual(bytesOf(from))
  })

  test('carries no damage over, and leaves nothing of a copy that failed', async () => {
    const { from, id } = await backup()
    const to = createMemorySink()
    const rotten = [...from.objects.keys()].find((key) => /0001\./.test(key)) ?? ''
    const bad = withFaults(from, [{ on: 'read', key: (key) => key === rotten, kind: 'corrupt' }])
    await expect(copy(bad, to, id)).rejects.toMatchObject({ code: 'integrity' })
    expect([...to.objects.keys()]).toEqual([])
    await copy(from, to, id)
    expect(bytesOf(to)).toEqual(bytesOf(from))
  })

  test('is listed only when it is whole: each write that fails leaves no backup, and another try mends it', async () => {
    const { from, id } = await backup()
    for (const name of [...from.objects.keys()]) {
      const to = createMemorySink()
      const error = new LifeboatError('sink-unavailable', 'no answer')
      const failing = withFaults(to, [
        { on: 'write', key: (key) => key === name, kind: 'refuse', error, times: 1 },
      ])
      await expect(copy(from, failing, id)).rejects.toBe(error)
      expect(await listBackups(to, 'shop', signal)).toEqual([])
      expect([...to.objects.keys()]).toEqual([])
      await copy(from, failing, id)
      expect(bytesOf(to)).toEqual(bytesOf(from))
    }
  })

  test('never replaces another backup of the same id', async () => {
    const { from, id } = await backup()
    const to = createMemorySink()
    await copy(from, to, id)
    const key = `shop/backups/${id}.json`
    const theirs = to.objects.get(key)
    if (theirs?.data === undefined) throw new Error('no manifest')
    const data = Buffer.concat([theirs.data, Buffer.from(' ')])
    to.objects.set(key, { info: { ...theirs.info, bytes: data.length }, data })
    await expect(copy(from, to, id)).rejects.toMatchObject({ code: 'sink-exists' })
  })
})
