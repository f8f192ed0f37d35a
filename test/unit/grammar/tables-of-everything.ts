import type { ColumnModel, IndexModel, TableModel } from '../../../src/engines/sqlserver/catalog/model.ts'

let columnId = 0

export function column(name: string, type: string, more: Partial<ColumnModel> = {}): ColumnModel {
  columnId += 1
  return {
    name,
    type,
    columnId,
    nullable: true,
    rowversion: false,
    sparse: false,
    columnSet: false,
    rowguid: false,
    hidden: false,
    ...more,
  }
}

export function index(name: string, kind: IndexModel['kind'], more: Partial<IndexModel> = {}): IndexModel {
  return {
    name,
    kind,
    unique: false,
    keys: [{ name: 'id', descending: false }],
    included: [],
    ordered: [],
    disabled: false,
    ignoreDuplicateKeys: false,
    fillFactor: 0,
    padded: false,
    allowRowLocks: true,
    allowPageLocks: true,
    storage: { compression: [] },
    ...more,
  }
}

function table(name: string, columns: readonly ColumnModel[], more: Partial<TableModel> = {}): TableModel {
  return {
    schema: 'Odd [schema]',
    name,
    objectId: 1000 + columnId,
    columns,
    indexes: [],
    checks: [],
    foreignKeys: [],
    isHistory: false,
    ...more,
  }
}

export const id = column('id', 'int', { nullable: false, maxLength: 4 })
export const constraint = {
  isSystemNamed: false,
  disabled: false,
  notTrusted: false,
  notForReplication: false,
}

/** One column of each type there is, and of each way to have one. */
const columns: readonly ColumnModel[] = [
  column('id', 'bigint', {
    nullable: false,
    identity: { seed: '-5', increment: '2', lastValue: '41', notForReplication: true },
  }),
  ...['tinyint', 'smallint', 'int', 'bit', 'real', 'money', 'smallmoney', 'date', 'smalldatetime'].map(
    (type) => column(type, type),
  ),
  ...['datetime', 'uniqueidentifier', 'hierarchyid', 'geography', 'geometry', 'sql_variant'].map((type) =>
    column(type, type),
  ),
  ...['text', 'ntext', 'image', 'json'].map((type) => column(type, type)),
  column('float', 'float', { precision: 53 }),
  column('decimal', 'decimal', { precision: 38, scale: 10 }),
  column('numeric', 'numeric', { precision: 5, scale: 0 }),
  column('time', 'time', { scale: 7 }),
  column('datetime2', 'datetime2', { scale: 3 }),
  column('datetimeoffset', 'datetimeoffset', { scale: 0 }),
  column('char', 'char', { maxLength: 10, collation: 'Latin1_General_CI_AS' }),
  column('varchar', 'varchar', { maxLength: 8000, collation: 'Latin1_General_100_CI_AS_SC_UTF8' }),
  column('varchar max', 'varchar', { maxLength: -1 }),
  column('nchar', 'nchar', { maxLength: 20 }),
  column('nvarchar', 'nvarchar', { maxLength: 100, maskedWith: 'partial(1,"x""x",0)' }),
  column('nvarchar max', 'nvarchar', { maxLength: -1 }),
  column('binary', 'binary', { maxLength: 16 }),
  column('varbinary', 'varbinary', { maxLength: 8000 }),
  column('varbinary max', 'varbinary', { maxLength: -1 }),
  column('xml', 'xml', { xmlCollection: { schema: 'dbo', name: 'Invoices', document: true } }),
  column('xml content', 'xml', { xmlCollection: { schema: 'dbo', name: 'Invoices', document: false } }),
  column('all sparse', 'xml', { columnSet: true }),
  column('sparse', 'int', { sparse: true }),
  column('version', 'timestamp', { rowversion: true, nullable: false }),
  column('guid', 'uniqueidentifier', {
    rowguid: true,
    nullable: false,
    default: { name: "it's", definition: '(newsequentialid())', isSystemNamed: false },
  }),
  column('system default', 'int', {
    default: { name: 'DF__x__1', definition: '((0))', isSystemNamed: true },
  }),
  column('sum', 'int', { computed: { definition: '([int]+(1))', persisted: true }, nullable: false }),
  column('half', 'int', { computed: { definition: '([int]/(2))', persisted: false } }),
  column('called', 'int', { computed: { definition: '([dbo].[tax]([int]))', persisted: false } }),
  column('called default', 'int', {
    default: { name: 'DF_called', definition: '([dbo].[tax]((1)))', isSystemNamed: false },
  }),
  column('phone', 'nvarchar', { maxLength: 40, userType: { schema: 'dbo', name: 'Phone' } }),
  column('bound', 'int', {
    bound: { default: { schema: 'dbo', name: 'zero' }, rule: { schema: 'dbo', name: 'positive' } },
  }),
]

const everyIndex: readonly IndexModel[] = [
  index('PK', 'clustered', {
    unique: true,
    constraint: { kind: 'primary key', isSystemNamed: false },
    fillFactor: 80,
    padded: true,
    ignoreDuplicateKeys: true,
    allowPageLocks: false,
    storage: { compression: ['PAGE'] },
  }),
  index('UQ', 'nonclustered', { unique: true, constraint: { kind: 'unique', isSystemNamed: true } }),
  index('filtered', 'nonclustered', {
    unique: true,
    keys: [
      { name: 'int', descending: true },
      { name: 'bit', descending: false },
    ],
    included: ['date', 'Odd ] name'],
    filter: "([int]>(0) AND [char]='x')",
    disabled: true,
    storage: { compression: ['ROW'] },
  }),
  index('partitioned', 'nonclustered', {
    storage: { partitioned: { scheme: 'by_id', column: 'id' }, compression: ['NONE', 'PAGE', 'PAGE', 'ROW'] },
  }),
  index('xml primary', 'xml', { keys: [{ name: 'xml', descending: false }], xml: {} }),
  index('xml path', 'xml', {
    keys: [{ name: 'xml', descending: false }],
    xml: { using: 'xml primary', purpose: 'PATH' },
  }),
  index('spatial', 'spatial', {
    spatial: {
      tessellation: 'GEOMETRY_GRID',
      boundingBox: ['0', '-1.5', '10', '20'],
      grids: ['LOW', 'MEDIUM', 'HIGH', 'HIGH'],
      cellsPerObject: 16,
    },
  }),
  index('spatial by the server', 'spatial', { spatial: { tessellation: 'GEOGRAPHY_AUTO_GRID' } }),
  index('columns', 'nonclustered columnstore', {
    keys: [],
    included: ['int', 'bit'],
    filter: '([int]>(0))',
    storage: { compression: ['COLUMNSTORE_ARCHIVE'] },
  }),
]

/** One table of each kind. */
export const tables: readonly TableModel[] = [
  table('all ] columns', columns, {
    indexes: everyIndex,
    lockEscalation: 'AUTO',
    checks: [
      { ...constraint, name: 'CK', definition: '([int]>(0))' },
      { ...constraint, name: 'CK off', definition: '([int]<(9))', disabled: true, notTrusted: true },
      { ...constraint, name: 'CK repl', definition: "([char]<>'')", notForReplication: true },
      { ...constraint, name: 'CK__1', definition: '([bit]=(1))', isSystemNamed: true },
      { ...constraint, name: 'CK call', definition: '([dbo].[tax]([int])>(0))' },
    ],
    foreignKeys: [
      {
        ...constraint,
        name: 'FK',
        columns: ['id', 'int'],
        referenced: { schema: 'dbo', name: 'other' },
        referencedColumns: ['id', 'part'],
        onDelete: 'CASCADE',
        onUpdate: 'SET_NULL',
      },
      {
        ...constraint,
        name: 'FK repl',
        columns: ['int'],
        referenced: { schema: 'dbo', name: 'other' },
        referencedColumns: ['id'],
        onDelete: 'NO_ACTION',
        onUpdate: 'SET_DEFAULT',
        notForReplication: true,
        disabled: true,
        notTrusted: true,
      },
    ],
  }),
  table('partitioned heap', [id, column('text', 'nvarchar', { maxLength: -1 })], {
    heap: { partitioned: { scheme: 'by_id', column: 'id' }, compression: ['PAGE', 'PAGE', 'NONE', 'ROW'] },
  }),
  table('columnstore', [id], {
    indexes: [index('CCI', 'clustered columnstore', { keys: [], ordered: ['id'] })],
  }),
  table(
    'temporal',
    [
      id,
      column('from', 'datetime2', { scale: 7, nullable: false, generatedAlways: 'start', hidden: true }),
      column('until', 'datetime2', { scale: 7, nullable: false, generatedAlways: 'end', hidden: true }),
    ],
    {
      indexes: [
        index('PK temporal', 'clustered', {
          unique: true,
          constraint: { kind: 'primary key', isSystemNamed: false },
        }),
      ],
      period: { startColumn: 'from', endColumn: 'until' },
      temporal: {
        historySchema: 'dbo',
        historyTable: 'temporal history',
        startColumn: 'from',
        endColumn: 'until',
        retention: '6 MONTH',
      },
    },
  ),
  table('temporal for ever', [id], {
    period: { startColumn: 'from', endColumn: 'until' },
    temporal: {
      historySchema: 'dbo',
      historyTable: 'history',
      startColumn: 'from',
      endColumn: 'until',
      retention: undefined,
    },
  }),
  table('period only', [id], { period: { startColumn: 'from', endColumn: 'until' } }),
  table('temporal history', [id], { isHistory: true }),
  table('in memory', [id, column('name', 'nvarchar', { maxLength: 20 })], {
    memoryOptimized: { durability: 'SCHEMA_AND_DATA' },
    indexes: [
      index('PK memory', 'hash', {
        unique: true,
        bucketCount: 1024,
        constraint: { kind: 'primary key', isSystemNamed: false },
      }),
      index('range', 'nonclustered', { keys: [{ name: 'name', descending: true }] }),
    ],
  }),
  table('generated', [column('half', 'int', { computed: { definition: '((1))', persisted: false } })]),
]
