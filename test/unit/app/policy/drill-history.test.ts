import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ReadLastDrill, readDrillHistory } from '../../../../src/app/policy/drill-history.ts'
import type { LastDrill } from '../../../../src/app/policy/drill-rule.ts'
import { layout } from '../../../../src/core/backup-layout.ts'
import { once } from '../../../../src/core/bytes.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import type { Sink } from '../../../../src/core/sink.ts'
import { createFileSink } from '../../../../src/sinks/file/index.ts'
import { createMemorySink } from '../../../testbed/memory-sink.ts'
import { storeBackup } from '../../../testbed/stored-backup.ts'
import { NOW } from './dump-facts-of.ts'

const signal = () => new AbortController().signal
const passed: LastDrill = { at: NOW, outcome: 'passed' }
const failed: LastDrill = { at: new Date(NOW.getTime() + 1), outcome: 'failed' }

describe('the history of drills', () => {
  let folder: string
  let full: Sink
  let other: Sink
  let empty: Sink
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-drills-'))
    await mkdir(join(folder, 'full/shop/backups'), { recursive: true })
    for (const id of ['20261020T010203Z-aaaa', '20260102T030405Z-bbbb']) {
      await writeFile(join(folder, 'full/shop/backups', `${id}.json`), '{}')
    }
    await mkdir(join(folder, 'other'))
    other = createFileSink({ folder: join(folder, 'other') })
    full = createFileSink({ folder: join(folder, 'full') })
    empty = createFileSink({ folder: join(folder, 'not-there') })
  })
  afterAll(async () => {
    await full?.[Symbol.asyncDispose]()
    await other?.[Symbol.asyncDispose]()
    await empty?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  /** What each place knows, by its name. */
  const told =
    (drills: Readonly<Record<string, LastDrill | undefined>>): ReadLastDrill =>
    async (sink) =>
      drills[sink.name.split('/').at(-1) ?? '']
  const read = (sinks: readonly Sink[], lastDrill: ReadLastDrill, timeoutMs = 20_000) =>
    readDrillHistory({ sinks, job: 'shop', lastDrill, timeoutMs }, signal())
  const silent: ReadLastDrill = (_, __, until) =>
    new Promise((_resolve, reject) => until.addEventListener('abort', () => reject(until.reason)))

  test('takes the oldest backup from its id, whatever the manifests hold', async () => {
    expect(await read([full], told({}))).toEqual({
      known: true,
      value: {
        last: undefined,
        oldestBackup: new Date('2026-01-02T03:04:05Z'),
        undrilledSince: undefined,
      },
    })
  })

  test('of several places the drill that passed counts, before a newer one that did not', async () => {
    const found = await read([other, full], told({ other: failed, full: passed }))
    expect(found).toMatchObject({ value: { last: passed } })
    expect(await read([full], told({ full: failed }))).toMatchObject({ value: { last: failed } })
  })

  test('takes from the newest manifest since when no drill has passed', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink, { parts: [{ name: 'shop', data: Buffer.from('x') }] })
    const key = layout.manifest('shop', id)
    const stored = sink.objects.get(key)
    const manifest = {
      ...JSON.parse(Buffer.from(stored?.data ?? '').toString()),
      undrilledSince: NOW.toISOString(),
    }
    await sink.write(key, once(Buffer.from(JSON.stringify(manifest))), { signal: signal() })
    expect(await read([full, sink], told({}))).toMatchObject({ value: { undrilledSince: NOW } })
  })

  test('a place that is not there yet holds nothing', async () => {
    const nothing = {
      known: true,
      value: { last: undefined, oldestBackup: undefined, undrilledSince: undefined },
    }
    expect(await read([empty], told({}))).toEqual(nothing)
  })

  test('one that is silent is unknown in bounded time, unless another knows of a drill that passed', async () => {
    const half: ReadLastDrill = (sink, job, until) =>
      sink === full ? told({ full: passed })(sink, job, until) : silent(sink, job, until)
    expect(await read([other, full], half, 3_000)).toMatchObject({ known: true, value: { last: passed } })
    expect(await read([full], silent, 50)).toMatchObject({
      known: false,
      reason: expect.stringMatching(/^file:\/\/.*full: .*time/),
    })
  })

  test('one that fails is unknown, with the reason', async () => {
    const denied = () => Promise.reject(new LifeboatError('sink-denied', 'access denied'))
    expect(await read([full], denied)).toEqual({ known: false, reason: `${full.name}: access denied` })
  })

  test('an interrupted look throws', async () => {
    const stop = new AbortController()
    const looking = readDrillHistory({ sinks: [full], job: 'shop', lastDrill: silent }, stop.signal)
    stop.abort(new LifeboatError('interrupted', 'enough'))
    await expect(looking).rejects.toThrow('enough')
  })
})
