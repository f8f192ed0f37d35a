import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { collect } from '../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Engine, EngineContext, EngineEvent } from '../../src/core/engine.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { type MysqlServer, startMysqlServer } from '../testbed/mysql-server.ts'
import type { SqlServer } from '../testbed/mysql-snapshot.ts'
import { BANK, countMoney, startTransfers } from '../testbed/mysql-transfers.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { sourceOf, type Taken } from './engine-suite.ts'

const never = new AbortController().signal

interface Server extends SqlServer, AsyncDisposable {
  readonly url: string
  readonly password: string
}

let oracles: MysqlServer | undefined

const VENDORS: readonly {
  readonly name: string
  readonly requires: Requirement
  readonly start: () => Promise<Server>
  readonly context: () => Omit<EngineContext, 'password'>
  readonly position: string
}[] = [
  {
    name: 'MariaDB',
    requires: 'mariadb',
    start: () => startMariadb(),
    context: () => ({ searchPath: '/usr/bin:/bin' }),
    position: 'BINLOG MONITOR',
  },
  {
    name: 'MySQL',
    requires: 'mysql',
    async start() {
      const started = await startMysqlServer()
      oracles ??= started
      return started
    },
    context: () => ({ searchPath: '/nonexistent', commands: oracles?.commands() ?? {} }),
    position: 'REPLICATION CLIENT',
  },
]

describe.for(VENDORS)('$name by several jobs, while it is written to', (vendor) => {
  describe.skipIf(lacks(vendor.requires))('one snapshot', { timeout: 90_000 }, () => {
    let source: Server
    const engineFor = (of: Server, user?: string): Engine => {
      const url = new URL(of.url)
      if (user !== undefined) url.username = user
      return createMysqlEngine(parseDatabaseUrl(`${url.href}&accounts=no`), {
        ...vendor.context(),
        password: async () => new Secret(of.password),
      })
    }

    beforeAll(async () => {
      source = await vendor.start()
      await source.run(BANK)
      const password = source.password.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
      await source.run(
        `CREATE USER managed@'%' IDENTIFIED BY '${password}';
         GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, ${vendor.position} ON *.* TO managed@'%'`,
      )
    }, 120_000)
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]()
    })

    /** Reads the parts one after another while money moves on: whatever is not of one moment shows. */
    async function takeSlowly(
      engine: Engine,
      transfers: { count(): number },
    ): Promise<{ taken: Taken; said: string }> {
      const said: EngineEvent[] = []
      const probe = await engine.probe('source', never)
      await using dump = engine.dump(
        probe,
        { counts: 'exact', jobs: 3, onProgress: (event) => said.push(event) },
        never,
      )
      const parts = new Map<string, { format: string; bytes: Uint8Array }>()
      for await (const part of dump.parts) {
        const before = transfers.count()
        await vi.waitFor(() => expect(transfers.count()).toBeGreaterThan(before + 20), { timeout: 20_000 })
        parts.set(part.name, { format: part.format, bytes: await collect(part.open(never)) })
        await part.release()
      }
      const taken = { probe, result: await dump.finish(never), parts }
      return { taken, said: said.map(({ message }) => message).join('\n') }
    }

    test.each([
      ['a global lock', undefined, /FLUSH TABLES WITH READ LOCK/],
      ['locks on tables, where the global one is denied', 'managed', /tables of the dump were locked/],
    ] as const)(
      'is opened under %s, and holds for all ranges, tables and databases',
      async (_lock, user, meaning) => {
        const money = await countMoney(source)
        const transfers = await startTransfers(source.url, source.password)
        let taken: Taken
        try {
          await using engine = engineFor(source, user)
          const { said, taken: found } = await takeSlowly(engine, transfers)
          taken = found
          expect(said).toMatch(/writes were held for \d+ ms/)
        } finally {
          await transfers.stop()
        }
        expect(taken.result.position).toMatchObject({ exact: true, meaning: expect.stringMatching(meaning) })
        expect(taken.result.warnings).toEqual([])
        const cut = JSON.stringify(taken.result.contents.engine.rows)
        expect(cut).toMatch(/bank\.account where .*vault\.account where/)
        await using target = await vendor.start()
        await using other = engineFor(target)
        await other.restore(sourceOf(taken), { replace: false, jobs: 3 }, never)
        expect(await countMoney(target)).toBe(money)
        expect(await other.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
        if (vendor.name !== 'MariaDB') return
        // What the source's log has behind the position makes the copy the source of now: not one change twice, none left out.
        const [, file = '', offset = ''] = /^(\S+):(\d+)/.exec(String(taken.result.position?.before)) ?? []
        const folder = dirname((await source.run('SELECT @@log_bin_basename')).trim())
        const { stdout: changes } = await execa('mariadb-binlog', [
          `--start-position=${offset}`,
          join(folder, file),
        ])
        await target.run(changes)
        const checksum = 'CHECKSUM TABLE bank.account, vault.account, vault.box EXTENDED'
        expect(await target.run(checksum)).toBe(await source.run(checksum))
      },
    )
  })
})
