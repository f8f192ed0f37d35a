import type {
  Catalog,
  ColumnModel,
  IndexModel,
  Module,
  TableModel,
} from '../../../../../src/engines/sqlserver/catalog/model.ts'

export function column(name: string, type: string, more: Partial<ColumnModel> = {}): ColumnModel {
  return {
    columnId: 1,
    name,
    type,
    nullable: true,
    rowversion: type === 'timestamp',
    sparse: false,
    columnSet: false,
    rowguid: false,
    hidden: false,
    ...more,
  }
}

export function index(name: string, keys: readonly string[], more: Partial<IndexModel> = {}): IndexModel {
  return {
    name,
    kind: 'nonclustered',
    unique: false,
    keys: keys.map((key) => ({ name: key.replace(/^-/, ''), descending: key.startsWith('-') })),
    included: [],
    ordered: [],
    disabled: false,
    ignoreDuplicateKeys: false,
    fillFactor: 0,
    padded: false,
    allowRowLocks: true,
    allowPageLocks: true,
    storage: { compression: ['NONE'] },
    ...more,
  }
}

export function table(
  name: string,
  columns: readonly ColumnModel[],
  more: Partial<TableModel> = {},
): TableModel {
  return {
    schema: 'dbo',
    name,
    objectId: 100 + name.length,
    columns,
    indexes: [],
    checks: [],
    foreignKeys: [],
    isHistory: false,
    ...more,
  }
}

export function module(
  objectId: number,
  kind: Module['kind'],
  name: string,
  definition: string,
  more: Partial<Module> = {},
): Module {
  return {
    schema: 'dbo',
    name,
    objectId,
    kind,
    definition,
    quotedIdentifier: true,
    ansiNulls: true,
    schemaBound: false,
    dependsOn: [],
    ...more,
  }
}

export function catalog(more: Partial<Catalog> = {}): Catalog {
  return {
    database: { name: 'shop', snapshotIsolation: false, readCommittedSnapshot: false },
    schemas: [],
    aliasTypes: [],
    tableTypes: [],
    xmlSchemaCollections: [],
    sequences: [],
    partitionFunctions: [],
    partitionSchemes: [],
    tables: [],
    modules: [],
    indexedViews: [],
    securityPolicies: [],
    synonyms: [],
    principals: [],
    roleMembers: [],
    owners: [],
    permissions: [],
    extendedProperties: [],
    notCaptured: [],
    warnings: [],
    ...more,
  }
}

const id = column('id', 'int', { nullable: false })
const state = { isSystemNamed: false, disabled: false, notTrusted: false, notForReplication: false }
const primaryKey = (name: string) =>
  index(name, ['id'], {
    kind: 'clustered',
    unique: true,
    constraint: { kind: 'primary key', isSystemNamed: false },
  })

const orders = table(
  'odd ]name',
  [
    { ...id, identity: { seed: '10', increment: '5', lastValue: '35', notForReplication: true } },
    column('code', 'nvarchar', {
      maxLength: 40,
      collation: 'Latin1_General_CI_AS',
      nullable: false,
      default: { name: 'df_code', definition: "(N'x')", isSystemNamed: false },
      maskedWith: 'partial(1,"xxx",0)',
    }),
    column('amount', 'decimal', { precision: 18, scale: 4 }),
    column('phone', 'varchar', { maxLength: 20, userType: { schema: 'dbo', name: 'phone' } }),
    column('guid', 'uniqueidentifier', { rowguid: true, nullable: false }),
    column('seen', 'datetimeoffset', { scale: 3 }),
    column('doc', 'xml', { xmlCollection: { schema: 'dbo', name: 'shapes', document: true } }),
    column('twice', 'decimal', {
      computed: { definition: '([amount]*(2))', persisted: true },
      nullable: false,
    }),
    column('taxed', 'decimal', { computed: { definition: '([dbo].[tax]([amount]))', persisted: false } }),
    column('rate', 'int', {
      default: { name: 'df_rate', definition: '([dbo].[tax]((1)))', isSystemNamed: false },
      bound: { rule: { schema: 'dbo', name: 'positive' } },
    }),
    column('based', 'int', { computed: { definition: '([dbo].[half]([amount]))', persisted: false } }),
    column('rare', 'int', { sparse: true }),
    column('all', 'xml', { columnSet: true }),
    column('version', 'timestamp', { nullable: false }),
  ],
  {
    schema: 'sales',
    lockEscalation: 'AUTO',
    indexes: [
      primaryKey('pk_orders'),
      index('uq', ['code', '-amount'], {
        unique: true,
        constraint: { kind: 'unique', isSystemNamed: false },
        ignoreDuplicateKeys: true,
        fillFactor: 80,
        padded: true,
      }),
      index('ix_filtered', ['amount'], { filter: '([amount]>(1))', included: ['code'], unique: true }),
      index('ix_disabled', ['seen'], { disabled: true, allowRowLocks: false, allowPageLocks: false }),
      index('ix_taxed', ['taxed'], { optimizedForSequentialKey: true }),
      index('xml_first', ['doc'], { kind: 'xml', xml: {} }),
      index('xml_path', ['doc'], { kind: 'xml', xml: { using: 'xml_first', purpose: 'PATH' } }),
    ],
    checks: [
      { ...state, name: 'ck', definition: '([amount]>=(0))' },
      { ...state, name: 'ck_off', definition: '([amount]<(9))', disabled: true, notTrusted: true },
    ],
    foreignKeys: [
      {
        ...state,
        name: 'fk',
        columns: ['id', 'rare'],
        referenced: { schema: 'dbo', name: 'events' },
        referencedColumns: ['id', 'kind'],
        onDelete: 'SET_NULL',
        onUpdate: 'CASCADE',
      },
      {
        ...state,
        name: 'fk_untrusted',
        columns: ['id'],
        referenced: { schema: 'dbo', name: 'events' },
        referencedColumns: ['id'],
        onDelete: 'NO_ACTION',
        onUpdate: 'NO_ACTION',
        notTrusted: true,
        notForReplication: true,
      },
    ],
  },
)

const period = { startColumn: 'from', endColumn: 'until' }
const prices = table(
  'prices',
  [
    id,
    column('from', 'datetime2', { scale: 7, nullable: false, generatedAlways: 'start', hidden: true }),
    column('until', 'datetime2', { scale: 7, nullable: false, generatedAlways: 'end' }),
  ],
  {
    indexes: [primaryKey('pk_prices')],
    period,
    temporal: { ...period, historySchema: 'dbo', historyTable: 'prices_history', retention: '6 MONTH' },
  },
)

/** One of every kind of object. */
export const everything: Catalog = catalog({
  database: {
    name: 'sh]op',
    collation: 'Latin1_General_100_CI_AS_SC',
    compatibilityLevel: 150,
    containment: 'PARTIAL',
    snapshotIsolation: true,
    readCommittedSnapshot: true,
  },
  schemas: [
    { name: 'sales', owner: 'bob' },
    { name: 'plain', owner: 'dbo' },
  ],
  aliasTypes: [
    {
      schema: 'dbo',
      name: 'phone',
      base: { type: 'varchar', maxLength: 20, nullable: false },
      bound: { default: { schema: 'dbo', name: 'nothing' } },
    },
  ],
  tableTypes: [
    {
      schema: 'dbo',
      name: 'lines',
      columns: [
        { ...id, identity: { seed: '1', increment: '1', lastValue: undefined, notForReplication: false } },
      ],
      indexes: [primaryKey('PK__lines'), index('ix_lines', ['id'])],
      checks: [{ ...state, name: 'CK__lines', definition: '([id]>(0))' }],
      memoryOptimized: false,
    },
    {
      schema: 'dbo',
      name: 'taxes',
      columns: [column('t', 'int', { computed: { definition: '([dbo].[tax]((1)))', persisted: false } })],
      indexes: [],
      checks: [],
      memoryOptimized: false,
    },
  ],
  xmlSchemaCollections: [
    {
      schema: 'dbo',
      name: 'shapes',
      text: '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><!-- it\'s --></xsd:schema>',
    },
  ],
  sequences: [
    {
      schema: 'dbo',
      name: 'numbers',
      type: 'bigint',
      start: '1',
      increment: '2',
      minimum: '1',
      maximum: '9223372036854775807',
      cycles: false,
      cache: 50,
      current: '9',
    },
    {
      schema: 'dbo',
      name: 'cycled',
      type: 'decimal(20,0)',
      start: '5',
      increment: '-3',
      minimum: '-10',
      maximum: '100',
      cycles: true,
      cache: 0,
      current: '98',
    },
    {
      schema: 'dbo',
      name: 'unused',
      type: '[dbo].[number]',
      start: '1',
      increment: '1',
      minimum: '1',
      maximum: '10',
      cycles: false,
      cache: undefined,
      current: undefined,
    },
  ],
  partitionFunctions: [
    {
      name: 'by_id',
      parameter: { type: 'int' },
      boundaryOnRight: true,
      boundaries: ['10', '20'],
    },
    {
      name: 'by_day',
      parameter: { type: 'varchar', maxLength: 10 },
      boundaryOnRight: false,
      boundaries: ["CAST(N'a' AS varchar(10))"],
    },
  ],
  partitionSchemes: [{ name: 'ps', function: 'by_id' }],
  tables: [
    orders,
    table(
      'events',
      [id, column('kind', 'int', { nullable: false }), column('data', 'varbinary', { maxLength: -1 })],
      {
        heap: { partitioned: { scheme: 'ps', column: 'id' }, compression: ['PAGE', 'PAGE', 'NONE'] },
      },
    ),
    table('facts', [id, column('x', 'float', { precision: 53 })], {
      indexes: [
        index('cci', [], {
          kind: 'clustered columnstore',
          included: ['id', 'x'],
          ordered: ['x'],
          compressionDelayMinutes: 10,
          storage: {
            partitioned: { scheme: 'ps', column: 'id' },
            compression: ['COLUMNSTORE_ARCHIVE', 'COLUMNSTORE_ARCHIVE'],
          },
        }),
      ],
    }),
    table('mixed', [id, column('y', 'real')], {
      heap: { compression: ['NONE'] },
      indexes: [
        index('places', ['y'], {
          kind: 'spatial',
          spatial: {
            tessellation: 'GEOMETRY_GRID',
            boundingBox: ['0', '-1.5', '10', '2.0000000000000001e-003'],
            grids: ['LOW', 'MEDIUM', 'HIGH', 'HIGH'],
            cellsPerObject: 16,
          },
        }),
        index('globe', ['y'], { kind: 'spatial', spatial: { tessellation: 'GEOGRAPHY_AUTO_GRID' } }),
        index('ncci', [], { kind: 'nonclustered columnstore', included: ['id', 'y'], filter: '([y]>(0))' }),
      ],
    }),
    prices,
    table('prices_history', [id, column('from', 'datetime2', { scale: 7, nullable: false })], {
      isHistory: true,
    }),
    table('memory', [id], {
      memoryOptimized: { durability: 'SCHEMA_ONLY' },
      indexes: [
        index('pk_memory', ['id'], {
          kind: 'hash',
          unique: true,
          bucketCount: 1024,
          constraint: { kind: 'primary key', isSystemNamed: false },
        }),
        index('ix_memory', ['id']),
      ],
    }),
  ],
  modules: [
    module(1, 'view', 'v', 'CREATE VIEW dbo.v AS SELECT 1 AS a', { dependsOn: [2] }),
    module(2, 'view', 'w', 'CREATE VIEW [dbo].[old] AS SELECT id FROM sales.t', { schemaBound: true }),
    module(
      3,
      'function',
      'tax',
      'CREATE FUNCTION dbo.tax (@a int) RETURNS int AS BEGIN RETURN dbo.base() + (SELECT MAX(id) FROM dbo.events) END',
      {
        dependsOn: [4],
        quotedIdentifier: false,
      },
    ),
    module(4, 'function', 'base', 'CREATE FUNCTION dbo.base () RETURNS int AS BEGIN RETURN 1 END'),
    module(5, 'procedure', 'p', 'CREATE PROC dbo.p AS SELECT 1', { ansiNulls: false }),
    module(6, 'trigger', 'tr', 'CREATE TRIGGER dbo.tr ON dbo.events AFTER INSERT AS RETURN', {
      trigger: {
        parent: { schema: 'dbo', name: 'events' },
        disabled: true,
        order: [{ statement: 'INSERT', position: 'First' }],
      },
    }),
    module(7, 'database trigger', 'guard', 'CREATE TRIGGER guard ON DATABASE FOR DROP_TABLE AS RETURN', {
      schema: '',
      trigger: { disabled: false, order: [{ statement: 'DROP_TABLE', position: 'Last' }] },
    }),
    module(
      10,
      'function',
      'half',
      'CREATE FUNCTION dbo.half (@a int) RETURNS int AS BEGIN RETURN dbo.third(@a) END',
    ),
    module(
      11,
      'function',
      'third',
      'CREATE FUNCTION dbo.third (@a int) RETURNS int AS BEGIN RETURN @a / 3 END',
    ),
    module(8, 'default', 'nothing', "CREATE DEFAULT dbo.nothing AS ''"),
    module(9, 'rule', 'positive', 'CREATE RULE dbo.positive AS @v > 0'),
  ],
  indexedViews: [
    { schema: 'dbo', name: 'w', indexes: [index('ix_w', ['id'], { kind: 'clustered', unique: true })] },
  ],
  securityPolicies: [
    {
      schema: 'dbo',
      name: 'policy',
      enabled: true,
      notForReplication: true,
      schemaBound: true,
      predicates: [
        {
          kind: 'FILTER',
          definition: '([dbo].[mine]([id]))',
          target: { schema: 'dbo', name: 'events' },
          operation: undefined,
        },
        {
          kind: 'BLOCK',
          definition: '([dbo].[mine]([id]))',
          target: { schema: 'dbo', name: 'events' },
          operation: 'AFTER INSERT',
        },
      ],
    },
  ],
  fullText: {
    catalogs: [{ name: 'ft', isDefault: true, accentSensitive: false }],
    stoplists: [{ name: 'stop', words: [{ word: "it's", language: 1033 }] }],
    indexes: [
      {
        table: { schema: 'dbo', name: 'events' },
        keyIndex: 'pk_events',
        catalog: 'ft',
        enabled: false,
        changeTracking: 'MANUAL',
        stoplist: '[stop]',
        columns: [
          { name: 'data', typeColumn: 'kind', language: 1033, semantics: true },
          { name: 'kind', typeColumn: undefined, language: 0, semantics: false },
        ],
      },
    ],
  },
  synonyms: [{ schema: 'dbo', name: 's', target: '[other].[dbo].[t]' }],
  principals: [
    { name: 'readers', kind: 'role', authentication: 'none', owner: 'bob', mayNotConnect: false },
    {
      name: 'bob',
      kind: 'user',
      authentication: 'login',
      login: "o'bob",
      defaultSchema: 'sales',
      mayNotConnect: false,
    },
    { name: 'nobody', kind: 'user', authentication: 'none', mayNotConnect: true },
    { name: 'ann', kind: 'user', authentication: 'external', mayNotConnect: false },
  ],
  roleMembers: [{ role: 'db_datareader', member: 'bob' }],
  owners: [{ securable: 'OBJECT::[dbo].[events]', owner: 'bob' }],
  permissions: [
    {
      state: 'GRANT_WITH_GRANT_OPTION',
      permission: 'SELECT',
      securable: 'OBJECT::[dbo].[events]',
      column: 'kind',
      grantee: 'bob',
      grantor: undefined,
    },
    {
      state: 'DENY',
      permission: 'VIEW DEFINITION',
      securable: undefined,
      column: undefined,
      grantee: 'readers',
      grantor: 'bob',
    },
    {
      state: 'REVOKE',
      permission: 'SELECT',
      securable: 'OBJECT::[dbo].[events]',
      column: 'data',
      grantee: 'bob',
      grantor: undefined,
    },
  ],
  extendedProperties: [
    {
      name: 'MS_Description',
      value: "N'it''s'",
      levels: [
        ['SCHEMA', 'dbo'],
        ['TABLE', 'events'],
        ['COLUMN', 'kind'],
      ],
    },
    { name: 'made', value: "CONVERT(date, N'2024-02-29', 121)", levels: [] },
    { name: 'number', value: '-7', levels: [['SCHEMA', 'sales']] },
    { name: 'null', value: undefined, levels: [] },
  ],
})
