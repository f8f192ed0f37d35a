import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BegunRun } from '../../src/app/dead-runs.ts'
import { runDump } from '../../src/app/dump.ts'
import { runRestore } from '../../src/app/restore.ts'
import type { RunEvent } from '../../src/app/run-event.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createFileJournal } from '../../src/core/journal.ts'
import type { Sink } from '../../src/core/sink.ts'
import { createGzip } from '../../src/stages/gzip.ts'
import { createMemorySink } from '../testbed/memory-sink.ts'
import { engineFor } from '../testbed/oracle/engine-for.ts'
import { seedOracle } from '../testbed/oracle/fixture.ts'
import { OraError } from '../testbed/oracle/ora-error.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { withFaults } from '../testbed/sink-faults.ts'

const { signal } = new AbortController()
let folder: string
let events: RunEvent[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-oracle-'))
  events = []
})
afterEach(() => rm(folder, { recursive: true }))

function seeded(): ScriptedOracle {
  const oracle = new ScriptedOracle()
  seedOracle(oracle)
  return oracle
}

function dump(oracle: ScriptedOracle, sink: Sink) {
  return runDump(
    {
      engine: engineFor(oracle, '&piece=1M'),
      sink,
      stages: [createGzip({})],
      job: 'default',
      counts: 'exact',
      jobs: 2,
      stallTimeoutMs: 60_000,
      version: '0.0.0',
      journal: createFileJournal<BegunRun>(join(folder, 'runs')),
      clock: systemClock,
      onEvent: (event) => events.push(event),
    },
    signal,
  )
}

const warnings = () =>
  events.flatMap((event) => (event.kind === 'warning' ? [`${event.message} ${event.hint ?? ''}`] : []))

test('a played Oracle goes through the whole line and comes back, every row counted', async () => {
  const oracle = seeded()
  const place = createMemorySink()
  let leftAtCommit: readonly string[] = []
  const sink: Sink = {
    ...place,
    write: (key, body, options) => {
      if (key.includes('/backups/')) leftAtCommit = oracle.leftovers()
      return place.write(key, body, options)
    },
  }
  const { manifest } = await dump(oracle, sink)
  // Nothing of the dump goes before the backup is safe.
  expect(leftAtCommit.filter((name) => name.endsWith('.dmp'))).toHaveLength(2)
  expect(oracle.leftovers()).toEqual([])
  expect(manifest).toMatchObject({ engine: 'oracle', counts: 'exact', position: { exact: true } })
  const target = new ScriptedOracle()
  const report = await runRestore(
    {
      engine: engineFor(target),
      sink,
      job: 'default',
      id: undefined,
      decoders: async () => [createGzip({})],
      replace: false,
      alongside: false,
      sameServerOk: false,
      jobs: 2,
      clock: systemClock,
      onEvent: (event) => events.push(event),
    },
    signal,
  )
  expect(report).toMatchObject({ verified: true, tables: 5, rows: 2012 })
  expect(target.database.snapshot()).toBe(oracle.database.snapshot())
  expect(target.leftovers()).toEqual([])
})

test('a place that fails takes the pieces at the server with it', async () => {
  for (const key of ['/0002.', '/backups/']) {
    const oracle = seeded()
    const sink = withFaults(createMemorySink(), [
      { on: 'write', key: (name) => name.includes(key), kind: 'refuse', error: new Error('gone') },
    ])
    await expect(dump(oracle, sink)).rejects.toThrow('gone')
    expect(oracle.leftovers()).toEqual([])
  }
})

test('pieces that can not be removed cost a warning with the lines to type, not the backup', async () => {
  const oracle = seeded()
  const place = createMemorySink()
  oracle.fault({
    on: 'REMOVE_RUN_FILES',
    kind: new OraError(29291, 'file remove operation failed'),
    times: 99,
  })
  const { manifest } = await dump(oracle, place)
  expect([...place.objects.keys()]).toContain(`default/backups/${manifest.id}.json`)
  expect(warnings().join('\n')).toMatch(
    /the backup is whole, but .*ORA-29291.*UTL_FILE\.FREMOVE\('DATA_PUMP_DIR'/s,
  )
})
