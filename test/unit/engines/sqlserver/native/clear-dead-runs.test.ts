import { expect, test } from 'vitest'
import type { EngineEvent } from '../../../../../src/core/engine.ts'
import { throwIfAborted } from '../../../../../src/core/errors.ts'
import { clearDeadRuns } from '../../../../../src/engines/sqlserver/native/clear-dead-runs.ts'
import {
  backupStatement,
  restoreStatement,
  type Statement,
} from '../../../../../src/engines/sqlserver/native/statements.ts'
import { createMemoryStaging } from '../../../../testbed/memory-staging.ts'
import { createFakeRds } from './fake-rds.ts'

const never = new AbortController().signal
const full = { type: 'FULL', files: 1, bucketDefaultEncryption: false } as const
const whole = { type: 'FULL', norecovery: false, keepCdc: false } as const

function setUp(left: readonly string[]) {
  const memory = createMemoryStaging()
  const rds = createFakeRds(memory.storage)
  rds.hangs = true
  const events: EngineEvent[] = []
  const task = {
    openSession: rds.openSession,
    clock: {
      now: () => new Date(),
      monotonicMs: () => 0,
      sleep: async (_ms: number, signal: AbortSignal) => throwIfAborted(signal),
    },
    onProgress: (event: EngineEvent) => void events.push(event),
  }
  const staging = { ...memory, left: async () => left, sweep: async () => left }
  const start = async ({ text, parameters }: Statement) => {
    const session = await rds.openSession(never)
    await session.query(text, never, parameters)
  }
  return { rds, staging, events, start, clear: () => clearDeadRuns(task, staging, never) }
}

test('cancels what runs for dead runs, over one file or several, and nothing of anybody else', async () => {
  const { rds, staging, events, start, clear } = setUp([
    'dead/0001.bak',
    'dead/0002-1-of-2.bak',
    'gone/0001-2-of-2.bak',
  ])
  await start(backupStatement('shop', staging.arn('dead/0001.bak'), full))
  await start(backupStatement('zoo', staging.arn('dead/0002-*.bak'), { ...full, files: 2 }))
  await start(restoreStatement('cms', staging.arn('gone/0001-*'), whole))
  await start(backupStatement('shop', staging.arn('alive/0001.bak'), full))
  await start(backupStatement('zoo', staging.arn('alive/0002-*.bak'), { ...full, files: 2 }))
  await start({
    text: 'EXEC msdb.dbo.rds_finish_restore @db_name = @db_name',
    parameters: { db_name: 'cms' },
  })
  await clear()
  expect(rds.tasks.map(({ lifecycle }) => lifecycle)).toEqual([
    'CANCELLED',
    'CANCELLED',
    'CANCELLED',
    'CREATED',
    'CREATED',
    'CREATED',
  ])
  expect(events.map(({ message }) => message)).toEqual([
    expect.stringContaining('cancelling task 101'),
    expect.stringContaining('cancelling task 102'),
    expect.stringContaining('cancelling task 103'),
    ...['dead/0001.bak', 'dead/0002-1-of-2.bak', 'gone/0001-2-of-2.bak'].map((key) =>
      expect.stringContaining(`removed '${key}'`),
    ),
  ])
})

test('asks the server nothing where no run was cut off', async () => {
  const { rds, events, clear } = setUp([])
  await clear()
  expect(rds.calls).toEqual([])
  expect(events).toEqual([])
})
