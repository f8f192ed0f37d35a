import { describe, expect, test } from 'vitest'
import { runRestore } from '../../../src/app/restore.ts'
import type { RunEvent } from '../../../src/app/run-event.ts'
import { readVerifiedRecords, showVerifiedRecords } from '../../../src/app/verified-record.ts'
import { runVerify, type VerifyRequest } from '../../../src/app/verify.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { once } from '../../../src/core/bytes.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import type { Sink } from '../../../src/core/sink.ts'
import { createMemoryEngine, type MemoryEngineOptions } from '../../testbed/memory-engine.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { withFaults } from '../../testbed/sink-faults.ts'
import { clockAt, storeBackup } from '../../testbed/stored-backup.ts'

const { signal } = new AbortController()
const job = 'shop'
const FIRST = '2026-11-23T01:00:00.000Z'
const LATER = '2026-11-24T01:00:00.000Z'

const plainly = { deep: true, decoders: async () => [] }
const warningsOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.kind === 'warning' ? [event.message] : []))
const recordOf = (sink: MemorySink, id: string) => {
  const data = sink.objects.get(layout.verified(job, id))?.data
  return data === undefined ? undefined : JSON.parse(Buffer.from(data).toString())
}

async function verify(
  sink: Sink,
  id: string,
  more: Partial<VerifyRequest> = {},
  clock: Clock = clockAt(FIRST),
) {
  const events: RunEvent[] = []
  const onEvent = (event: RunEvent) => void events.push(event)
  const report = await runVerify({ sink, job, id, deep: false, clock, onEvent, ...more }, signal)
  return { report, warnings: warningsOf(events) }
}

async function restore(sink: Sink, id: string, engine: MemoryEngineOptions) {
  const request = {
    engine: createMemoryEngine(engine),
    sink,
    job,
    id,
    decoders: async () => [],
    replace: false,
    alongside: false,
    sameServerOk: false,
    jobs: 1,
    clock: clockAt(LATER),
    onEvent: () => undefined,
  }
  return runRestore(request, signal)
}

describe('the note of what was proven', () => {
  test('tells job, id, level and time, and is what list reads', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink)
    expect(await verify(sink, id)).toMatchObject({ warnings: [] })
    const record = {
      format: 1,
      id,
      job,
      level: 'attested',
      at: FIRST,
      lifeboat: expect.stringMatching(/^\d/),
    }
    expect(recordOf(sink, id)).toEqual(record)
    const other = await storeBackup(sink, { job: 'other' })
    const names = [
      { job, id },
      { job: 'other', id: other.id },
    ]
    const read = await readVerifiedRecords({ sink, onEvent: () => undefined }, names, signal)
    expect([...read]).toEqual([[`${job}/${id}`, record]])
  })

  test('where it can not be read, a list goes on and tells that, and a decision does not', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink)
    await verify(sink, id)
    for (const on of ['list', 'read'] as const) {
      const error = new LifeboatError('sink-denied', 'not for you')
      const denied = withFaults(sink, [
        { on, key: (key) => key.includes('/verified/'), kind: 'refuse', error },
      ])
      const events: RunEvent[] = []
      const onEvent = (event: RunEvent) => void events.push(event)
      const names = [{ job, id }]
      expect((await showVerifiedRecords({ sink: denied, onEvent }, names, signal)).size).toBe(0)
      await expect(readVerifiedRecords({ sink: denied, onEvent }, names, signal)).rejects.toBe(error)
      expect(warningsOf(events)).toEqual([expect.stringMatching(/what was verified: not for you$/)])
    }
  })

  test('rises with each level and never falls; the same level is noted anew', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink)
    await verify(sink, id)
    await verify(sink, id, { deep: true })
    expect(recordOf(sink, id)).toMatchObject({ level: 'stored', at: FIRST })
    await verify(sink, id, plainly)
    expect(recordOf(sink, id)).toMatchObject({ level: 'plain', at: FIRST })
    await verify(sink, id, { deep: true }, clockAt(LATER))
    await verify(sink, id, {}, clockAt(LATER))
    expect(recordOf(sink, id)).toMatchObject({ level: 'plain', at: FIRST })
    await verify(sink, id, plainly, clockAt(LATER))
    expect(recordOf(sink, id)).toMatchObject({ level: 'plain', at: LATER })
    await restore(sink, id, { tables: [] })
    expect(recordOf(sink, id)).toMatchObject({ level: 'restored', at: LATER })
    await verify(sink, id, plainly, clockAt('2027-01-01T00:00:00.000Z'))
    expect(recordOf(sink, id)).toMatchObject({ level: 'restored', at: LATER })
  })

  test('is not left by a restore whose rows differ, and says less where none were counted', async () => {
    const sink = createMemorySink()
    const tables = [{ database: 'shop', table: 't', rows: 3 }]
    const manifest = await storeBackup(sink, { tables })
    const counted = [{ database: 'shop', table: 't', rows: 2 }]
    await expect(restore(sink, manifest.id, { tables, counted })).rejects.toMatchObject({ code: 'integrity' })
    expect(recordOf(sink, manifest.id)).toBeUndefined()
    const uncounted = await storeBackup(sink, { counts: 'off' })
    expect(await restore(sink, uncounted.id, {})).toMatchObject({ verified: false })
    expect(recordOf(sink, uncounted.id)).toMatchObject({ level: 'plain' })
  })

  test.for(['write', 'stat'] as const)(
    'a place that refuses it (%s) is a warning, not a failure',
    async (on) => {
      const sink = createMemorySink()
      const { id } = await storeBackup(sink)
      const denied = new LifeboatError('sink-denied', 'read only')
      const key = layout.verified(job, id)
      const readOnly = withFaults(sink, [{ on, key: (each) => each === key, kind: 'refuse', error: denied }])
      const { report, warnings } = await verify(readOnly, id)
      expect(report.level).toBe('attested')
      expect(warnings).toEqual([expect.stringMatching(/unable to note .* is verified: read only$/)])
      expect(await restore(readOnly, id, {})).toMatchObject({ verified: true })
      expect(recordOf(sink, id)).toBeUndefined()
    },
  )

  test('a place that takes for ever ends with the run, which is as good as it was', async () => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink)
    const stop = new AbortController()
    const stuck = withFaults(sink, [{ on: 'write', kind: 'stall' }])
    const request = { sink: stuck, job, id, deep: false, clock: clockAt(FIRST), onEvent: () => undefined }
    const running = runVerify(request, stop.signal)
    await stuck.nextStrike()
    stop.abort()
    expect(await running).toMatchObject({ level: 'attested' })
  })

  test.for([
    ['no JSON', 'x'],
    ['another format', '{"format":2}'],
    [
      'a level that there is not',
      '{"format":1,"id":"ID","job":"shop","level":"best","at":"AT","lifeboat":"1"}',
    ],
    ['of another backup', '{"format":1,"id":"x","job":"shop","level":"restored","at":"AT","lifeboat":"1"}'],
  ])('%s is told, is none, and is written anew', async ([, text = '']) => {
    const sink = createMemorySink()
    const { id } = await storeBackup(sink)
    const stored = text.replace('ID', id).replace('AT', FIRST)
    await sink.write(layout.verified(job, id), once(Buffer.from(stored)), { signal })
    const events: RunEvent[] = []
    const onEvent = (event: RunEvent) => void events.push(event)
    expect((await readVerifiedRecords({ sink, onEvent }, [{ job, id }], signal)).size).toBe(0)
    expect(warningsOf(events)).toEqual([expect.stringContaining('unable to use note')])
    const { warnings } = await verify(sink, id)
    expect(warnings).toEqual([expect.stringContaining('unable to use note')])
    expect(recordOf(sink, id)).toMatchObject({ level: 'attested' })
  })

  test('is taken back when the backup turns out to be damaged, and not when the place is silent', async () => {
    const sink = createMemorySink()
    const manifest = await storeBackup(sink)
    const { id } = manifest
    await verify(sink, id, plainly)
    const volume = layout.object(job, id, manifest.parts[0]?.volumes[0]?.name ?? '')
    const silent = withFaults(sink, [{ on: 'stat', key: (key) => key === volume, kind: 'refuse' }])
    await expect(verify(silent, id)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(recordOf(sink, id)).toMatchObject({ level: 'plain' })
    await sink.delete([volume], signal)
    const stubborn = withFaults(sink, [
      { on: 'delete', kind: 'refuse', error: new LifeboatError('sink-denied', 'not yours') },
    ])
    const events: RunEvent[] = []
    const request = { sink: stubborn, job, id, deep: false, clock: clockAt(FIRST) }
    await expect(
      runVerify({ ...request, onEvent: (event) => void events.push(event) }, signal),
    ).rejects.toMatchObject({ code: 'integrity' })
    expect(warningsOf(events)).toEqual([expect.stringMatching(/unable to remove .*not yours/)])
    await expect(verify(sink, id)).rejects.toMatchObject({ code: 'integrity' })
    expect(recordOf(sink, id)).toBeUndefined()
  })
})
