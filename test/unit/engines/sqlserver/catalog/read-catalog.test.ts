import { describe, expect, it } from 'vitest'
import type { Catalog } from '../../../../../src/engines/sqlserver/catalog/model.ts'
import { travelsAsData } from '../../../../../src/engines/sqlserver/catalog/model.ts'
import { CATALOG_QUERIES } from '../../../../../src/engines/sqlserver/catalog/queries.ts'
import { queryText } from '../../../../../src/engines/sqlserver/catalog/query.ts'
import { readCatalog } from '../../../../../src/engines/sqlserver/catalog/read-catalog.ts'
import { readPositions } from '../../../../../src/engines/sqlserver/catalog/read-positions.ts'
import { type CatalogViews, catalogSession, refusal } from './catalog-session.ts'
import { SAMPLE_ROWS } from './sample-rows.ts'

const signal = new AbortController().signal

async function read(views: CatalogViews = {}): Promise<Catalog> {
  return await readCatalog(catalogSession({ rows: SAMPLE_ROWS, ...views }).session, signal)
}

const tableOf = (catalog: Catalog, name: string) => catalog.tables.find((table) => table.name === name)

describe('the catalog', () => {
  it('gives the database with its isolation', async () => {
    expect((await read()).database).toEqual({
      name: 'shop',
      collation: 'Latin1_General_CI_AS',
      compatibilityLevel: 150,
      containment: 'NONE',
      snapshotIsolation: true,
      readCommittedSnapshot: true,
    })
  })

  it('gives tables by size, of the rows alone, with their columns', async () => {
    const catalog = await read()
    expect(
      catalog.tables.map(({ name, bytesEstimate, rowsEstimate }) => [name, bytesEstimate, rowsEstimate]),
    ).toEqual([
      ['customers', 120 * 8192, 1000],
      ['orders', 3 * 8192, 5],
      ['orders_history', undefined, undefined],
    ])
    const orders = tableOf(catalog, 'orders')
    expect(orders?.columns.map(({ name, type }) => [name, type])).toEqual([
      ['id', 'int'],
      ['customer', 'int'],
      ['phone', 'nvarchar'],
      ['twice', 'int'],
      ['from', 'datetime2'],
      ['until', 'datetime2'],
      ['version', 'timestamp'],
    ])
    expect(orders?.columns.filter(travelsAsData).map(({ name }) => name)).toEqual([
      'id',
      'customer',
      'phone',
      'from',
      'until',
    ])
    expect(orders?.columns[0]?.identity).toEqual({
      seed: '10',
      increment: '5',
      lastValue: '35',
      notForReplication: true,
    })
    expect(orders?.columns[1]?.default).toEqual({
      name: 'df_customer',
      definition: '((7))',
      isSystemNamed: false,
    })
    expect(orders?.columns[2]?.userType).toEqual({ schema: 'sales', name: 'phone' })
    expect(orders?.columns[3]?.computed).toEqual({ definition: '([id]*(2))', persisted: true })
    expect(orders?.lockEscalation).toBe('AUTO')
    expect(tableOf(catalog, 'customers')?.columns[1]).toMatchObject({
      type: 'nvarchar',
      maskedWith: 'default()',
    })
  })

  it('gives what makes a table temporal', async () => {
    const catalog = await read()
    expect(tableOf(catalog, 'orders')?.temporal).toEqual({
      historySchema: 'sales',
      historyTable: 'orders_history',
      startColumn: 'from',
      endColumn: 'until',
      retention: '3 MONTH',
    })
    expect(tableOf(catalog, 'orders_history')?.isHistory).toBe(true)
  })

  it('gives indexes with their place and packing', async () => {
    const catalog = await read()
    const [key, filtered, spatial, ...others] = tableOf(catalog, 'orders')?.indexes ?? []
    expect(others).toEqual([])
    expect(spatial).toMatchObject({
      kind: 'spatial',
      spatial: {
        tessellation: 'GEOMETRY_AUTO_GRID',
        boundingBox: expect.arrayContaining(['1.0000000000000000e+001']),
        cellsPerObject: 8,
      },
    })
    expect(spatial?.spatial).not.toHaveProperty('grids')
    expect(key).toMatchObject({
      name: 'pk_orders',
      kind: 'clustered',
      unique: true,
      constraint: { kind: 'primary key', isSystemNamed: true },
      keys: [
        { name: 'id', descending: false },
        { name: 'from', descending: true },
      ],
      storage: { partitioned: { scheme: 'ps', column: 'from' }, compression: ['NONE', 'ROW'] },
    })
    expect(filtered).toMatchObject({ filter: '([customer]>(1))', included: ['phone'], fillFactor: 80 })
    expect(tableOf(catalog, 'customers')?.heap).toEqual({ compression: ['PAGE'] })
    expect(catalog.indexedViews).toMatchObject([{ name: 'v', indexes: [{ name: 'ix_view' }] }])
  })

  it('gives constraints, and leaves out those to tables that are not taken', async () => {
    const catalog = await read()
    expect(tableOf(catalog, 'orders')?.foreignKeys).toEqual([
      {
        name: 'fk',
        columns: ['customer'],
        referenced: { schema: 'dbo', name: 'customers' },
        referencedColumns: ['id'],
        onDelete: 'CASCADE',
        onUpdate: 'NO_ACTION',
        isSystemNamed: false,
        disabled: false,
        notTrusted: false,
        notForReplication: false,
      },
    ])
    expect(tableOf(catalog, 'customers')?.checks).toMatchObject([{ name: 'ck', notTrusted: true }])
  })

  it('gives types, sequences and partitioning', async () => {
    const catalog = await read()
    expect(catalog.schemas).toEqual([{ name: 'sales', owner: 'bob' }])
    expect(catalog.aliasTypes).toMatchObject([
      { schema: 'sales', name: 'phone', base: { type: 'nvarchar', maxLength: 40, nullable: false } },
    ])
    expect(catalog.tableTypes).toMatchObject([{ schema: 'dbo', name: 'lines', columns: [{ name: 'line' }] }])
    expect(catalog.sequences).toMatchObject([
      { schema: 'sales', name: 'numbers', type: 'int', cache: undefined, current: undefined },
    ])
    expect(catalog.partitionFunctions).toMatchObject([
      {
        name: 'pf',
        parameter: { type: 'datetime2', scale: 7 },
        boundaryOnRight: true,
        boundaries: ["CONVERT(datetime2(7), N'2024-02-29 00:00:00.0000000', 121)"],
      },
    ])
    expect(catalog.partitionSchemes).toEqual([{ name: 'ps', function: 'pf' }])
  })

  it('gives modules with their settings, and counts those whose text is not to be had', async () => {
    const catalog = await read()
    expect(catalog.modules.map(({ kind, name, quotedIdentifier }) => [kind, name, quotedIdentifier])).toEqual(
      [
        ['view', 'v', false],
        ['trigger', 'tr', true],
        ['database trigger', 'guard', true],
      ],
    )
    expect(catalog.modules[1]?.trigger).toEqual({
      parent: { schema: 'sales', name: 'orders' },
      disabled: true,
      order: [{ statement: 'INSERT', position: 'First' }],
    })
    expect(catalog.notCaptured).toContainEqual(
      expect.objectContaining({ what: 'encrypted modules', count: 1 }),
    )
    expect(catalog.notCaptured).toContainEqual(
      expect.objectContaining({ what: 'modules whose text is hidden', count: 1 }),
    )
    expect(catalog.warnings).toContain(
      'the text of procedure [dbo].[hidden] is hidden: grant VIEW DEFINITION on the database',
    )
  })

  it('gives full-text catalogs and indexes, where there are any', async () => {
    expect((await read()).fullText).toEqual({
      catalogs: [{ name: 'ft', isDefault: true, accentSensitive: true }],
      stoplists: [],
      indexes: [
        {
          table: { schema: 'sales', name: 'orders' },
          keyIndex: 'pk_orders',
          catalog: 'ft',
          enabled: true,
          changeTracking: 'AUTO',
          stoplist: 'SYSTEM',
          columns: [{ name: 'phone', typeColumn: undefined, language: 1033, semantics: false }],
        },
      ],
    })
    const rows = { ...SAMPLE_ROWS, 'sys.fulltext_catalogs': [], 'sys.fulltext_indexes': [] }
    expect(await read({ rows })).not.toHaveProperty('fullText')
  })

  it('gives who may do what', async () => {
    const catalog = await read()
    expect(catalog.principals).toEqual([
      {
        name: 'bob',
        kind: 'user',
        authentication: 'login',
        login: 'bobby',
        defaultSchema: 'sales',
        mayNotConnect: false,
      },
      { name: 'readers', kind: 'role', authentication: 'none', owner: 'bob', mayNotConnect: false },
      { name: 'contained', kind: 'user', authentication: 'database', mayNotConnect: true },
    ])
    expect(catalog.roleMembers).toEqual([{ role: 'db_owner', member: 'bob' }])
    expect(catalog.owners).toEqual([{ securable: 'OBJECT::[dbo].[customers]', owner: 'bob' }])
    expect(catalog.permissions).toEqual([
      {
        state: 'GRANT',
        permission: 'CONNECT',
        securable: undefined,
        column: undefined,
        grantee: 'bob',
        grantor: undefined,
      },
      {
        state: 'GRANT_WITH_GRANT_OPTION',
        permission: 'SELECT',
        securable: 'OBJECT::[sales].[orders]',
        column: 'customer',
        grantee: 'readers',
        grantor: undefined,
      },
      {
        state: 'DENY',
        permission: 'VIEW DEFINITION',
        securable: 'SCHEMA::[sales]',
        column: undefined,
        grantee: 'readers',
        grantor: 'bob',
      },
      {
        state: 'GRANT',
        permission: 'EXECUTE',
        securable: 'TYPE::[sales].[phone]',
        column: undefined,
        grantee: 'public',
        grantor: undefined,
      },
    ])
  })

  it('gives extended properties in their own types', async () => {
    expect((await read()).extendedProperties).toEqual([
      { name: 'made', value: '7', levels: [] },
      {
        name: 'd',
        value: "N'it''s'",
        levels: [
          ['SCHEMA', 'sales'],
          ['TABLE', 'orders'],
          ['COLUMN', 'customer'],
        ],
      },
      {
        name: 'd',
        value: 'CAST(0x0A AS varbinary(8))',
        levels: [
          ['SCHEMA', 'sales'],
          ['TABLE', 'orders'],
          ['CONSTRAINT', 'df_customer'],
        ],
      },
      {
        name: 'd',
        value: "CAST(N'1.50' AS decimal(10,2))",
        levels: [
          ['SCHEMA', 'sales'],
          ['TABLE', 'orders'],
          ['INDEX', 'ix'],
        ],
      },
    ])
  })

  it('names what is not captured, with how many', async () => {
    const { notCaptured } = await read()
    expect(notCaptured.map(({ what, count }) => [what, count])).toEqual([
      ['graph tables', 1],
      ['foreign keys to tables that are not captured', 1],
      ['encrypted modules', 1],
      ['modules whose text is hidden', 1],
      ['application roles', 1],
      ['passwords of contained users', 1],
      ['permissions of or on what is not captured', 2],
      ['extended properties of what is not captured', 1],
      ['CLR assemblies', 1],
      ['tables with change data capture', 4],
      ['published or replicated tables', 4],
    ])
  })
})

describe('a server that lacks something', () => {
  it.each(
    Object.entries(CATALOG_QUERIES).flatMap(([name, { view, required }]) =>
      name === 'database' || required === true ? [] : [[view]],
    ),
  )('costs no more than that without %s', async (view) => {
    const catalog = await read({
      refused: { [view]: refusal(208, `Invalid object name '${view}'.`) },
      answers: { IDENT_CURRENT: [{ seed_value: '10', increment_value: '5', last_value: '40' }] },
    })
    expect(catalog.tables.map(({ name }) => name).sort()).toEqual(['customers', 'orders', 'orders_history'])
    expect(catalog.warnings).toContainEqual(
      expect.stringMatching(new RegExp(`are not read: ${view.replace('.', '\\.')}: Invalid object name`)),
    )
  })

  it.each(['sys.tables', 'sys.columns', 'sys.types', 'sys.schemas', 'sys.objects'])(
    'is told where nothing goes without %s',
    async (view) => {
      const refused = { [view]: refusal(208, `Invalid object name '${view}'.`) }
      await expect(read({ refused })).rejects.toThrow(`Invalid object name '${view}'`)
    },
  )

  it('is asked again without the columns that it does not know', async () => {
    const { session, asked } = catalogSession({
      rows: SAMPLE_ROWS,
      unknown: ['is_node', 'is_edge', 'ledger_type'],
    })
    const catalog = await readCatalog(session, signal)
    const tables = asked.filter((sql) => sql.includes('FROM sys.tables') && !sql.includes('COUNT_BIG'))
    expect(tables).toHaveLength(2)
    expect(tables[1]).toBe(queryText(CATALOG_QUERIES.tables, new Set(['is_node', 'is_edge', 'ledger_type'])))
    expect(tables[1]).toContain('temporal_type')
    expect(catalog.warnings.filter((warning) => warning.includes('sys.tables'))).toEqual([])
  })

  it('is asked without all newer columns where it names none', async () => {
    const refused = refusal(33557097, 'column "is_cycling" does not exist')
    const catalog = await read({ refused: { 'sys.sequences': refused } })
    expect(catalog.sequences).toEqual([])
    expect(catalog.warnings).toContain(
      'sequences are not read: sys.sequences: column "is_cycling" does not exist',
    )
  })

  it('may deny a view to this login', async () => {
    const view = 'sys.sql_expression_dependencies'
    const denied = refusal(229, 'The SELECT permission was denied')
    const catalog = await read({ refused: { [view]: denied } })
    expect(catalog.modules).toHaveLength(3)
    expect(catalog.warnings).toContainEqual(
      expect.stringContaining('the dependencies of modules are not read'),
    )
  })

  it('is not forgiven other errors', async () => {
    const broken = refusal(8134, 'Divide by zero error encountered.')
    await expect(read({ refused: { 'sys.synonyms': broken } })).rejects.toBe(broken)
    await expect(read({ refused: { 'sys.certificates': broken } })).rejects.toBe(broken)
  })

  it('is not believed where it repeats an identity column', async () => {
    const [first] = SAMPLE_ROWS['sys.identity_columns'] ?? []
    const rows = {
      ...SAMPLE_ROWS,
      'sys.identity_columns': [
        { ...first, last_value: '1' },
        { ...first, last_value: '2' },
      ],
    }
    const answers = { IDENT_CURRENT: [{ seed_value: '10', increment_value: '5', last_value: '40' }] }
    const orders = tableOf(await read({ rows, answers }), 'orders')
    expect(orders?.columns[0]?.identity).toMatchObject({ seed: '10', lastValue: '40' })
  })

  it('is said to hide sequences where only sys.objects lists them', async () => {
    const objects = [...(SAMPLE_ROWS['sys.objects'] ?? [])]
    objects.push({ object_id: 150, schema_id: 5, parent_object_id: 0, name: 'n', type: 'SO' })
    const catalog = await read({ rows: { ...SAMPLE_ROWS, 'sys.objects': objects, 'sys.sequences': [] } })
    expect(catalog.warnings).toContainEqual(expect.stringContaining('sys.sequences does not show'))
  })
})

describe('positions', () => {
  it('are those of now, everything else that of before', async () => {
    const before = await read()
    const [identity] = SAMPLE_ROWS['sys.identity_columns'] ?? []
    const [sequence] = SAMPLE_ROWS['sys.sequences'] ?? []
    const { session } = catalogSession({
      rows: {
        'sys.schemas': SAMPLE_ROWS['sys.schemas'] ?? [],
        'sys.identity_columns': [{ ...identity, last_value: '50' }],
        'sys.sequences': [{ ...sequence, current_value: '9', last_used_value: '9' }],
      },
    })
    const after = await readPositions(session, before, signal)
    expect(tableOf(after, 'orders')?.columns[0]?.identity?.lastValue).toBe('50')
    expect(after.sequences[0]?.current).toBe('9')
    expect({ ...after, tables: [], sequences: [] }).toEqual({ ...before, tables: [], sequences: [] })
  })
})
