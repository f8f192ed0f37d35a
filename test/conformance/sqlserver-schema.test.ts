import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { COUNTED_KINDS } from '../../src/engines/sqlserver/catalog/counted.ts'
import type { Catalog } from '../../src/engines/sqlserver/catalog/model.ts'
import { CATALOG_QUERIES } from '../../src/engines/sqlserver/catalog/queries.ts'
import { quoteObject } from '../../src/engines/sqlserver/catalog/quote.ts'
import { readCatalog } from '../../src/engines/sqlserver/catalog/read-catalog.ts'
import { readPositions } from '../../src/engines/sqlserver/catalog/read-positions.ts'
import { createSessionSource } from '../../src/engines/sqlserver/connection.ts'
import { exportTable, loadTable } from '../../src/engines/sqlserver/rows/table-rows.ts'
import { type ApplyResult, applyAfter, applyBefore } from '../../src/engines/sqlserver/schema/apply.ts'
import { splitBatches } from '../../src/engines/sqlserver/schema/batches.ts'
import { scriptAfter, scriptBefore } from '../../src/engines/sqlserver/schema/script.ts'
import { scriptDatabase } from '../../src/engines/sqlserver/schema/script-database.ts'
import { readSteps, type Step, writeSteps } from '../../src/engines/sqlserver/schema/step.ts'
import { applyError } from '../../src/engines/sqlserver/schema/violations.ts'
import { findServer } from '../../src/engines/sqlserver/server-access.ts'
import type { Session, SessionSource } from '../../src/engines/sqlserver/session.ts'
import { listSqlServerObjects } from '../testbed/sqlserver-objects.ts'
import { startTdsEndpoint } from '../testbed/tds/endpoint.ts'
import { createSqlServerBackend } from '../testbed/tds/server/backend.ts'
import type { Faults } from '../testbed/tds/server/faults.ts'

const never = new AbortController().signal
const PASSWORD = 's3cret-w0rd'

interface Server extends AsyncDisposable {
  readonly sessions: SessionSource
  readonly faults: Faults
  /** All that is in its memory, past lifeboat's own reading of it. */
  objects(): readonly (readonly [name: string, facts: unknown])[]
}

async function serve(): Promise<Server> {
  const backend = createSqlServerBackend({ password: PASSWORD })
  const endpoint = await startTdsEndpoint({ backend })
  const url = parseDatabaseUrl(`sqlserver://sa@127.0.0.1:${endpoint.port}?tls=disable`)
  const sessions = createSessionSource(await findServer(url, async () => new Secret(PASSWORD), never))
  return {
    sessions,
    faults: backend.faults,
    objects: () =>
      [...listSqlServerObjects(backend)]
        .map(([name, facts]): [string, unknown] => [name, JSON.parse(facts)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    async [Symbol.asyncDispose]() {
      await sessions[Symbol.asyncDispose]()
      await endpoint[Symbol.asyncDispose]()
    },
  }
}

/** The fixture's database, named `shop`. */
async function makeSource(sessions: SessionSource): Promise<Session> {
  await using master = await sessions.open('master', never)
  await master.batch('CREATE DATABASE [shop]', never)
  const shop = await sessions.open('shop', never)
  const text = await readFile(new URL('../fixtures/sqlserver/schema.sql', import.meta.url), 'utf8')
  for (const batch of splitBatches(text)) {
    await shop.batch(batch, never).catch((thrown) => {
      throw new Error(`${batch}\n${String(thrown)}`, { cause: thrown })
    })
  }
  return shop
}

/** By way of the text, as a backup holds it. */
const stored = (steps: readonly Step[]) => readSteps(writeSteps(steps))

async function restore(
  source: Session,
  catalog: Catalog,
  sessions: SessionSource,
  {
    violations = 'fail',
    loaded = async () => undefined,
  }: {
    readonly violations?: 'fail' | 'keep'
    readonly loaded?: (target: Session) => Promise<void>
  } = {},
): Promise<{ readonly target: Session; readonly result: ApplyResult }> {
  await using master = await sessions.open('master', never)
  await applyBefore(master, scriptDatabase(catalog.database), never)
  const target = await sessions.open(catalog.database.name, never)
  await applyBefore(target, stored(scriptBefore(catalog)), never)
  for (const table of catalog.tables) {
    const rows = exportTable(source, table, () => undefined, never)
    await loadTable(target, table, rows, never)
  }
  await loaded(target)
  const after = stored(scriptAfter(await readPositions(source, catalog, never)))
  return { target, result: await applyAfter(target, after, { violations }, never) }
}

/** A catalog without the numbers that a server gives by itself. */
function comparable(catalog: Catalog): unknown {
  const names = new Map(catalog.modules.map((module) => [module.objectId, quoteObject(module)]))
  const byName = <T extends { readonly name: string }>(all: readonly T[]) =>
    all.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  return {
    ...catalog,
    tables: byName(
      catalog.tables.map(({ objectId: _id, rowsEstimate: _rows, bytesEstimate: _bytes, ...table }) => ({
        ...table,
        columns: byName(table.columns.map(({ columnId: _column, ...column }) => column)),
        indexes: byName(table.indexes),
        checks: byName(table.checks),
      })),
    ),
    // The server names keys of a table type itself.
    tableTypes: catalog.tableTypes.map((type) => ({
      ...type,
      columns: type.columns.map(({ columnId: _column, ...column }) => column),
      indexes: type.indexes.map(({ name: _name, ...index }) => index),
      checks: type.checks.map(({ name: _name, ...check }) => check),
    })),
    modules: byName(
      catalog.modules.map(({ objectId: _id, dependsOn, ...module }) => ({
        ...module,
        dependsOn: dependsOn.flatMap((id) => names.get(id) ?? []).sort(),
      })),
    ),
    sequences: byName(catalog.sequences),
    schemas: byName(catalog.schemas),
    principals: byName(catalog.principals),
    permissions: catalog.permissions.map((each) => JSON.stringify(each)).sort(),
  }
}

async function rowsOf(session: Session, catalog: Catalog): Promise<Record<string, string>> {
  const digests: Record<string, string> = {}
  for (const table of catalog.tables) {
    const pieces: Uint8Array[] = []
    for await (const piece of exportTable(session, table, () => undefined, never)) pieces.push(piece)
    digests[quoteObject(table)] = Buffer.concat(pieces).toString('hex')
  }
  return digests
}

describe('the schema of SQL Server', () => {
  it('is the same on another server, rows and positions too', async () => {
    await using first = await serve()
    await using second = await serve()
    await using source = await makeSource(first.sessions)
    const catalog = await readCatalog(source, never)
    const { target, result } = await restore(source, catalog, second.sessions)
    await using _target = target
    expect(result.failures).toEqual([])
    expect(result.violations).toEqual([])
    expect(result.notRestored).toEqual([])
    const restored = await readCatalog(target, never)
    expect(comparable(restored)).toEqual(comparable(catalog))
    expect(second.objects()).toEqual(first.objects())
    expect(await rowsOf(target, restored)).toEqual(await rowsOf(source, catalog))
    for (const session of [source, target]) {
      await session.batch("INSERT INTO dbo.customers (name, phone) VALUES (N'next', N'0')", never)
      expect(await session.query("SELECT id FROM dbo.customers WHERE name = N'next'", never)).toEqual([
        { id: 25 },
      ])
      expect(
        await session.query('SELECT CAST(NEXT VALUE FOR sales.numbers AS int) AS number', never),
      ).toEqual([{ number: 110 }])
    }
  })

  it('lists the rows of a torn copy that break a foreign key, and makes the rest', async () => {
    await using first = await serve()
    await using source = await makeSource(first.sessions)
    const catalog = await readCatalog(source, never)
    for (const violations of ['fail', 'keep'] as const) {
      await using second = await serve()
      const { target, result } = await restore(source, catalog, second.sessions, {
        violations,
        loaded: async (session) => {
          await session.batch("DELETE FROM dbo.customers WHERE name = N'Bob'", never)
        },
      })
      await using _target = target
      const kept = violations === 'keep'
      expect(result.violations).toEqual([
        {
          constraint: 'foreign key [fk_customer] on [sales].[orders]',
          rows: [{ id: '2', customer: '15' }],
          kept,
        },
      ])
      expect(result.failures).toEqual([])
      const orders = (await readCatalog(target, never)).tables.find(({ name }) => name === 'orders')
      expect(orders?.foreignKeys.map(({ name, notTrusted }) => [name, notTrusted])).toEqual(
        kept ? [['fk_customer', true]] : [],
      )
      expect(orders?.checks.map(({ name }) => name).sort()).toEqual(['ck_amount', 'ck_off'])
      const error = applyError('shop', result)
      expect(error?.message).toBe(
        kept
          ? undefined
          : "unable to restore one object of database 'shop': rows break foreign key [fk_customer] on [sales].[orders]: id = 2, customer = 15",
      )
    }
  })

  it('goes without a unique index that rows break, and says so at the end', async () => {
    await using first = await serve()
    await using second = await serve()
    await using source = await makeSource(first.sessions)
    const catalog = await readCatalog(source, never)
    const { target, result } = await restore(source, catalog, second.sessions, {
      loaded: async (session) => {
        await session.batch('INSERT INTO sales.orders (id, customer, amount) VALUES (9, 10, 1.5)', never)
      },
    })
    await using _target = target
    expect(result.failures.map(({ what }) => what)).toEqual(['unique [uq_orders] on [sales].[orders]'])
    expect(applyError('shop', result)).toBeInstanceOf(LifeboatError)
    expect((await readCatalog(target, never)).modules).toHaveLength(catalog.modules.length)
  })

  it('reports a module that is broken at the source as well, and a user without a login', async () => {
    await using first = await serve()
    await using second = await serve()
    await using source = await makeSource(first.sessions)
    for (const batch of [
      'CREATE TABLE dbo.gone (a int)',
      'CREATE VIEW dbo.broken AS SELECT a FROM dbo.gone',
      'CREATE VIEW dbo.broken_too AS SELECT a FROM dbo.broken',
      'DROP TABLE dbo.gone',
      "CREATE LOGIN here_only WITH PASSWORD = 'x1Y!z2W@'",
      'CREATE USER ann FOR LOGIN here_only',
      "CREATE LOGIN both WITH PASSWORD = 'x1Y!z2W@'",
      'CREATE USER eve FOR LOGIN both',
    ]) {
      await source.batch(batch, never)
    }
    await using master = await second.sessions.open('master', never)
    await master.batch("CREATE LOGIN both WITH PASSWORD = 'x1Y!z2W@'", never)
    const { target, result } = await restore(source, await readCatalog(source, never), second.sessions)
    await using _target = target
    expect(result.failures).toEqual([])
    expect(result.notRestored.map(({ what }) => what)).toEqual([
      'view [dbo].[broken]',
      'view [dbo].[broken_too]',
      'login of user [ann]',
    ])
    expect(result.notRestored[0]?.reason).toContain('dbo.gone')
    const { principals } = await readCatalog(target, never)
    expect(principals.find(({ name }) => name === 'eve')?.login).toBe('both')
    expect(principals.find(({ name }) => name === 'ann')?.authentication).toBe('none')
  })
})

describe('a server that lacks parts of the catalog', () => {
  /** Without these a server has no tables to dump. */
  const needed = ['sys.schemas', 'sys.types', 'sys.tables', 'sys.columns', 'sys.objects']
  const views = [...Object.values(CATALOG_QUERIES), ...COUNTED_KINDS].map(({ view }) => view)

  it('is dumped all the same, and each view that it lacks is named', async () => {
    await using first = await serve()
    await using second = await serve()
    await using source = await makeSource(first.sessions)
    const whole = await readCatalog(source, never)
    // As Babelfish says it: no number of SQL Server's own.
    first.faults.missingView = {
      number: 33557097,
      message: (name) => `relation "${name}" does not exist`,
    }
    const lacking = [...new Set(views)].filter((view) => !needed.includes(view))
    for (const view of lacking) first.faults.hiddenViews.add(view)
    const catalog = await readCatalog(source, never)
    for (const view of lacking) {
      expect(catalog.warnings).toContainEqual(expect.stringContaining(`${view}: relation`))
    }
    expect(catalog.tables.map(quoteObject).sort()).toEqual(whole.tables.map(quoteObject).sort())
    const named = { ...catalog, database: whole.database }
    const { target, result } = await restore(source, named, second.sessions)
    await using _target = target
    // Its primary key is not known, without which no table can be versioned.
    expect(result.failures.map(({ what }) => what)).toEqual(['system versioning [dbo].[prices]'])
    expect((await readCatalog(target, never)).tables).toHaveLength(whole.tables.length)
  })

  it('is dumped whole where only newer columns are unknown', async () => {
    await using first = await serve()
    await using source = await makeSource(first.sessions)
    const whole = await readCatalog(source, never)
    const newer = ['is_node', 'is_edge', 'ledger_type', 'is_external', 'is_filetable']
    for (const column of newer) first.faults.hiddenColumns.add(`sys.tables.${column}`)
    first.faults.hiddenColumns.add('sys.columns.is_dropped_ledger_column')
    first.faults.hiddenColumns.add('sys.indexes.optimize_for_sequential_key')
    first.faults.hiddenColumns.add('sys.index_columns.column_store_order_ordinal')
    const catalog = await readCatalog(source, never)
    expect(catalog).toEqual(whole)
  })

  it.each(needed)('is refused with its own words where it lacks %s', async (view) => {
    await using server = await serve()
    await using session = await server.sessions.open('master', never)
    server.faults.hiddenViews.add(view)
    await expect(readCatalog(session, never)).rejects.toThrow(`Invalid object name '${view}'`)
  })
})

describe('a connection that is lost', () => {
  it('is no view that is missing', async () => {
    await using server = await serve()
    await using session = await server.sessions.open('master', never)
    server.faults.list.push({ match: /sys\.synonyms/, disconnect: true })
    await expect(readCatalog(session, never)).rejects.toMatchObject({ code: 'engine-unreachable' })
  })

  it('ends what is applied, and is no module that fails', async () => {
    await using first = await serve()
    await using source = await makeSource(first.sessions)
    const catalog = await readCatalog(source, never)
    for (const match of [
      /CREATE TABLE/,
      /CREATE FUNCTION/,
      /FOREIGN KEY/,
      /sp_addextendedproperty/,
      /^GRANT/,
    ]) {
      await using second = await serve()
      second.faults.list.push({ match, disconnect: true })
      await expect(restore(source, catalog, second.sessions)).rejects.toMatchObject({
        code: 'engine-unreachable',
      })
    }
  })

  it('or that stalls is left as soon as that is asked for', async () => {
    await using server = await serve()
    await using session = await server.sessions.open('master', never)
    const stop = new AbortController()
    server.faults.list.push({
      match: /sys\.synonyms/,
      stall: true,
      onHit: () => stop.abort(new LifeboatError('interrupted', 'enough')),
    })
    await expect(readCatalog(session, stop.signal)).rejects.toMatchObject({ code: 'interrupted' })
  })
})
