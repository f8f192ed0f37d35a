import type { Cursor } from './cursor.ts'
import { parseVersioning } from './parse-alter-table.ts'
import { parseExpression } from './parse-expression.ts'
import { parseTypeName } from './parse-type-name.ts'
import type { StatementBody } from './statements.ts'
import type {
  AlterTable,
  ColumnDef,
  ConstraintDef,
  IndexDef,
  IndexOptions,
  KeyColumn,
  Placement,
} from './table-statements.ts'

export function parseCreateTable(c: Cursor): StatementBody {
  const name = c.names()
  const { columns, constraints } = parseElements(c)
  const placement = parsePlacement(c)
  if (c.accept('TEXTIMAGE_ON')) c.name()
  let options: IndexOptions = {}
  let versioning: Extract<AlterTable, { action: 'versioning' }> | undefined
  if (c.accept('WITH'))
    c.parenthesized(() => {
      if (c.at('SYSTEM_VERSIONING')) versioning = parseVersioning(c)
      else options = { ...options, ...parseOption(c) }
    })
  return { kind: 'create-table', name, columns, constraints, placement, options, versioning }
}

export function parseElements(c: Cursor): { columns: ColumnDef[]; constraints: ConstraintDef[] } {
  const columns: ColumnDef[] = []
  const constraints: ConstraintDef[] = []
  c.expectOp('(')
  do {
    // A comma may stand before the closing parenthesis.
    if (c.op(')')) break
    if (startsConstraint(c)) constraints.push(parseConstraint(c))
    else columns.push(parseColumn(c))
  } while (c.acceptOp(','))
  c.expectOp(')')
  return { columns, constraints }
}

export const startsConstraint = (c: Cursor) =>
  ['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN', 'INDEX'].some((word) => c.at(word)) ||
  c.at('PERIOD', 'FOR') ||
  (c.at('DEFAULT') && c.token.kind === 'word')

export function parseConstraint(c: Cursor, column?: string): ConstraintDef {
  const name = c.accept('CONSTRAINT') ? c.name() : undefined
  if (c.accept('PRIMARY')) {
    c.expect('KEY')
    return parseKey(c, name, 'primary', column)
  }
  if (c.accept('UNIQUE')) return parseKey(c, name, 'unique', column)
  if (c.accept('CHECK')) {
    const notForReplication = c.accept('NOT', 'FOR', 'REPLICATION')
    c.expectOp('(')
    const expr = parseExpression(c)
    c.expectOp(')')
    return { kind: 'check', name, expr, notForReplication, ...(column === undefined ? {} : { column }) }
  }
  if (c.accept('DEFAULT')) {
    const expr = parseExpression(c)
    const target = column ?? c.after('FOR', () => c.name())
    if (c.accept('WITH')) c.expect('VALUES')
    return { kind: 'default', name, expr, column: target }
  }
  if (c.accept('PERIOD')) {
    c.expect('FOR', 'SYSTEM_TIME')
    const [start = '', end = ''] = c.parenthesized(() => c.name())
    return { kind: 'period', name, start, end }
  }
  if (c.accept('INDEX')) return { kind: 'index', name, index: parseInlineIndex(c, column) }
  let columns = column === undefined ? [] : [column]
  if (c.accept('FOREIGN')) {
    c.expect('KEY')
    if (c.op('(')) columns = c.parenthesized(() => c.name())
  }
  c.expect('REFERENCES')
  const target = c.names()
  const targetColumns = c.op('(') ? c.parenthesized(() => c.name()) : []
  let onDelete = 0
  let onUpdate = 0
  while (c.accept('ON')) {
    const isDelete = c.accept('DELETE')
    if (!isDelete) c.expect('UPDATE')
    const action = c.accept('NO', 'ACTION')
      ? 0
      : c.accept('CASCADE')
        ? 1
        : c.accept('SET', 'NULL')
          ? 2
          : c.after('SET', () => c.after('DEFAULT', () => 3))
    if (isDelete) onDelete = action
    else onUpdate = action
  }
  const notForReplication = c.accept('NOT', 'FOR', 'REPLICATION')
  return { kind: 'foreign', name, columns, target, targetColumns, onDelete, onUpdate, notForReplication }
}

function parseKey(
  c: Cursor,
  name: string | undefined,
  kind: 'primary' | 'unique',
  column: string | undefined,
): ConstraintDef {
  const clustered = c.accept('CLUSTERED') ? true : c.accept('NONCLUSTERED') ? false : undefined
  const columns = c.op('(') ? parseKeyColumns(c) : [{ name: column ?? '', descending: false }]
  const options = parseWith(c)
  return { kind, name, clustered, columns, options, placement: parsePlacement(c) }
}

export function parseKeyColumns(c: Cursor): KeyColumn[] {
  return c.parenthesized(() => {
    const name = c.name()
    const descending = c.accept('DESC')
    if (!descending) c.accept('ASC')
    return { name, descending }
  })
}

export function parseWith(c: Cursor): IndexOptions {
  if (!c.at('WITH')) return {}
  c.next()
  if (c.accept('FILLFACTOR')) {
    c.expectOp('=')
    return { FILLFACTOR: c.next().text }
  }
  let options: IndexOptions = {}
  c.parenthesized(() => {
    options = { ...options, ...parseOption(c) }
  })
  return options
}

function parseOption(c: Cursor): IndexOptions {
  const name = c.next().text
  c.expectOp('=')
  const value = c.next().text
  // DATA_COMPRESSION = PAGE ON PARTITIONS (1 TO 3)
  if (c.accept('ON', 'PARTITIONS')) {
    c.expectOp('(')
    const from = c.token.start
    while (!c.op(')')) c.next()
    const partitions = c.sql.slice(from, c.token.start)
    c.next()
    return { [`${name}:${partitions}`]: value }
  }
  return { [name]: value }
}

export function parsePlacement(c: Cursor): Placement | undefined {
  if (!c.at('ON')) return undefined
  c.next()
  const space = c.token.kind === 'string' || c.token.text === 'PRIMARY' ? c.next().value : c.name()
  const column = c.op('(') ? c.parenthesized(() => c.name())[0] : undefined
  return { space, column }
}

function parseInlineIndex(c: Cursor, column: string | undefined): IndexDef {
  const name = c.name()
  const unique = c.accept('UNIQUE')
  const clustered = c.accept('CLUSTERED')
  if (!clustered) c.accept('NONCLUSTERED')
  const columnstore = c.accept('COLUMNSTORE')
  const columns = c.op('(')
    ? parseKeyColumns(c)
    : column === undefined
      ? []
      : [{ name: column, descending: false }]
  const included = c.accept('INCLUDE') ? c.parenthesized(() => c.name()) : []
  const filter = c.accept('WHERE') ? parseExpression(c) : undefined
  const type = columnstore ? (clustered ? 5 : 6) : clustered ? 1 : 2
  return {
    name,
    unique,
    type,
    columns,
    included,
    filter,
    options: parseWith(c),
    placement: parsePlacement(c),
  }
}

export function parseColumn(c: Cursor): ColumnDef {
  const name = c.name()
  let column: ColumnDef = {
    name,
    type: undefined,
    computed: undefined,
    nullable: undefined,
    identity: undefined,
    collation: undefined,
    sparse: false,
    columnSet: false,
    rowguid: false,
    masked: undefined,
    generated: 0,
    hidden: false,
    constraints: [],
  }
  const add = (constraint: ConstraintDef) => {
    column = { ...column, constraints: [...column.constraints, constraint] }
  }
  if (c.accept('AS')) {
    const expr = parseExpression(c)
    const persisted = c.accept('PERSISTED')
    column = { ...column, computed: { expr, persisted } }
  } else {
    // `timestamp` alone is a column of that name and type.
    const type = c.op(',') || c.op(')') ? { parts: [name], args: [] } : parseTypeName(c)
    column = { ...column, type }
  }
  while (true) {
    if (c.accept('NOT', 'NULL')) column = { ...column, nullable: false }
    else if (c.accept('NULL')) column = { ...column, nullable: true }
    else if (c.accept('IDENTITY')) {
      const [seed = '1', increment = '1'] = c.op('(')
        ? c.parenthesized(() => (c.acceptOp('-') ? '-' : '') + c.next().value)
        : []
      column = { ...column, identity: { seed, increment, notForReplication: false } }
    } else if (c.accept('NOT', 'FOR', 'REPLICATION')) {
      if (column.identity === undefined) throw c.fail()
      column = { ...column, identity: { ...column.identity, notForReplication: true } }
    } else if (c.accept('COLLATE')) column = { ...column, collation: c.name() }
    else if (c.accept('SPARSE')) column = { ...column, sparse: true }
    else if (c.accept('COLUMN_SET')) {
      c.expect('FOR', 'ALL_SPARSE_COLUMNS')
      column = { ...column, columnSet: true }
    } else if (c.accept('ROWGUIDCOL')) column = { ...column, rowguid: true }
    else if (c.accept('HIDDEN')) column = { ...column, hidden: true }
    else if (c.accept('PERSISTED'))
      column = { ...column, computed: column.computed && { ...column.computed, persisted: true } }
    else if (c.accept('MASKED')) {
      c.expect('WITH')
      c.expectOp('(')
      c.expect('FUNCTION')
      c.expectOp('=')
      column = { ...column, masked: c.next().value }
      c.expectOp(')')
    } else if (c.accept('GENERATED', 'ALWAYS', 'AS', 'ROW')) {
      const generated = c.accept('START') ? 1 : c.after('END', () => 2)
      column = { ...column, generated: generated as 1 | 2 }
    } else if (startsColumnConstraint(c)) add(parseConstraint(c, name))
    else return column
  }
}

const startsColumnConstraint = (c: Cursor) =>
  ['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN', 'REFERENCES', 'DEFAULT', 'INDEX'].some((word) =>
    c.at(word),
  )
