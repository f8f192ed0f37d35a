import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ReadLastDrill, readDrillHistory } from '../../../../src/app/policy/drill-history.ts'
import type { LastDrill } from '../../../../src/app/policy/drill-rule.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import type { Sink } from '../../../../src/core/sink.ts'
import { createFileSink } from '../../../../src/sinks/file/index.ts'
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
  const read = (sinks: readonly Sink[], lastDrill: ReadLastDrill) =>
    readDrillHistory({ sinks, job: 'shop', lastDrill, timeoutMs: 50 }, signal())
  const silent: ReadLastDrill = (_, __, until) =>
    new Promise((_resolve, reject) => until.addEventListener('abort', () => reject(until.reason)))

  test('takes the oldest backup from its id, whatever the manifests hold', async () => {
    expect(await read([full], told({}))).toEqual({
      known: true,
      value: { last: undefined, oldestBackup: new Date('2026-01-02T03:04:05Z') },
    })
  })

  test('of several places the drill that passed counts, before a newer one that did not', async () => {
    const found = await read([other, full], told({ other: failed, full: passed }))
    expect(found).toMatchObject({ value: { last: passed } })
    expect(await read([full], told({ full: failed }))).toMatchObject({ value: { last: failed } })
  })

  test('a place that is not there yet holds nothing', async () => {
    const nothing = { known: true, value: { last: undefined, oldestBackup: undefined } }
    expect(await read([empty], told({}))).toEqual(nothing)
  })

  test('one that is silent is unknown in bounded time, unless another knows of a drill that passed', async () => {
    const half: ReadLastDrill = (sink, job, until) =>
      sink === full ? told({ full: passed })(sink, job, until) : silent(sink, job, until)
    expect(await read([other, full], half)).toMatchObject({ known: true, value: { last: passed } })
    expect(await read([full], silent)).toMatchObject({
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
