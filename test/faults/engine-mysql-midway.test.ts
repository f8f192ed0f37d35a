import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BegunRun } from '../../src/app/dead-runs.ts'
import { runDump } from '../../src/app/dump.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { DumpResult } from '../../src/core/engine.ts'
import { createFileJournal } from '../../src/core/journal.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { failureOf } from '../conformance/engine-suite.ts'
import { childProcesses } from '../testbed/child-processes.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { createMemorySink } from '../testbed/memory-sink.ts'
import { lacks } from '../testbed/requirement.ts'
import { startTcpProxy } from '../testbed/tcp-proxy.ts'

const never = new AbortController().signal

describe.skipIf(lacks('mariadb'))('engine mysql, in the middle of a dump', { timeout: 60_000 }, () => {
  let source: MariadbServer
  let folder: string
  const engineFor = (url: string) =>
    createMysqlEngine(parseDatabaseUrl(url), {
      searchPath: '/usr/bin:/bin',
      password: async () => new Secret(source.password),
    })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-midway-'))
    source = await startMariadb()
    // More than all buffers on the way hold, so the tool is in its middle when the first bytes have come.
    await source.run(`CREATE DATABASE large; CREATE TABLE large.a (v LONGTEXT); CREATE TABLE large.steady (id INT);
      INSERT INTO large.a SELECT REPEAT('x', 1000000) FROM mysql.help_topic LIMIT 40`)
  }, 120_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(['stall', 'half-open'] as const)(
    'a connection that falls silent (%s) is ended by the stall timeout, and nothing is left',
    async (kind) => {
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
      const url = new URL(source.url)
      url.searchParams.set('connect', `${proxy.host}:${proxy.port}`)
      const sink = createMemorySink()
      const journal = createFileJournal<BegunRun>(join(folder, kind))
      const before = new Set((await childProcesses()).map(({ pid }) => pid))
      {
        await using engine = engineFor(url.href)
        proxy.inject({ kind, after: { bytes: 3_000_000, direction: 'down' } })
        const dump = runDump(
          {
            engine,
            sink,
            stages: [],
            job: 'default',
            counts: 'exact',
            jobs: 1,
            stallTimeoutMs: 1_500,
            version: '0.0.0',
            journal,
            clock: systemClock,
            onEvent: () => undefined,
          },
          never,
        )
        expect(await failureOf(dump)).toMatchObject({
          code: 'timed-out',
          hint: expect.stringContaining('--stall-timeout'),
        })
      }
      expect([...sink.objects.keys()]).toEqual([])
      await vi.waitFor(async () => {
        const left = (await childProcesses()).filter(({ pid }) => !before.has(pid))
        expect(left.map(({ command }) => command)).toEqual([])
      })
    },
  )

  async function dumpDuring(change: string): Promise<DumpResult> {
    await using engine = engineFor(`${source.url}&accounts=no`)
    const probe = await engine.probe('source', never)
    await using dump = engine.dump(probe, { counts: 'exact' }, never)
    for await (const part of dump.parts) {
      const bytes = part.open(never)[Symbol.asyncIterator]()
      await bytes.next()
      await source.run(change)
      while ((await bytes.next()).done !== true);
    }
    return await dump.finish(never)
  }

  test('schema changes while it runs are said, named only inside, and counted outside', async () => {
    const { warnings, notCaptured, contents } = await dumpDuring(
      'CREATE TABLE large.newcomer (id INT); CREATE OR REPLACE VIEW large.seen AS SELECT 1 AS one',
    )
    expect(warnings).toEqual([expect.stringMatching(/large\.newcomer, large\.seen/)])
    expect(contents.engine.changedDuringDump).toEqual(['large.newcomer', 'large.seen'])
    expect(notCaptured).toContainEqual(
      expect.objectContaining({ what: expect.stringMatching(/changed during the dump/), count: 2 }),
    )
    expect(JSON.stringify(notCaptured)).not.toContain('newcomer')
  })

  test('rows that come and go meanwhile are no schema change', async () => {
    const { warnings, contents } = await dumpDuring('INSERT INTO large.steady VALUES (1), (2)')
    expect(warnings).toEqual([])
    expect(contents.engine.changedDuringDump).toEqual([])
    expect(contents.tables.find(({ table }) => table === 'steady')?.rows).toBe(0)
  })
})
