import type { Cursor } from './cursor.ts'
import { parseColumn, parseConstraint, parseWith, startsConstraint } from './parse-table.ts'
import type { Names, StatementBody } from './statements.ts'
import type { AlterTable, ColumnDef, ConstraintDef } from './table-statements.ts'

export function parseVersioning(c: Cursor): Extract<AlterTable, { action: 'versioning' }> {
  c.expect('SYSTEM_VERSIONING')
  c.expectOp('=')
  const on = c.next().text === 'ON'
  let history: Names | undefined
  let consistencyCheck = true
  let retention: { count: number; unit: string } | undefined
  if (on && c.op('('))
    c.parenthesized(() => {
      const option = c.next().text
      c.expectOp('=')
      if (option === 'HISTORY_TABLE') history = c.names()
      else if (option === 'DATA_CONSISTENCY_CHECK') consistencyCheck = c.next().text === 'ON'
      else if (option === 'HISTORY_RETENTION_PERIOD') {
        if (c.accept('INFINITE')) retention = { count: -1, unit: 'INFINITE' }
        else retention = { count: Number(c.next().value), unit: c.next().text.replace(/S$/, '') }
      } else throw c.fail()
    })
  return { action: 'versioning', on, history, consistencyCheck, retention }
}

export function parseAlterTable(c: Cursor): StatementBody {
  const name = c.names()
  return { kind: 'alter-table', name, change: parseChange(c) }
}

function parseChange(c: Cursor): AlterTable {
  const withCheck = c.accept('WITH', 'CHECK')
  const withNoCheck = !withCheck && c.accept('WITH', 'NOCHECK')
  const validate = withCheck ? true : withNoCheck ? false : undefined
  if (c.accept('ADD')) {
    const columns: ColumnDef[] = []
    const constraints: ConstraintDef[] = []
    c.list(() => {
      if (startsConstraint(c)) constraints.push(parseConstraint(c))
      else columns.push(parseColumn(c))
    })
    return { action: 'add', columns, constraints, check: validate ?? true }
  }
  if (c.at('CHECK') || c.at('NOCHECK')) {
    const enable = c.next().text === 'CHECK'
    c.expect('CONSTRAINT')
    return { action: 'check', names: c.accept('ALL') ? 'ALL' : c.list(() => c.name()), enable, validate }
  }
  if (validate !== undefined) throw c.fail()
  if (c.accept('ALTER', 'COLUMN')) return parseAlterColumn(c)
  if (c.accept('DROP')) {
    if (c.accept('PERIOD')) {
      c.expect('FOR', 'SYSTEM_TIME')
      return { action: 'drop-period' }
    }
    let kind: 'constraint' | 'column' = 'constraint'
    const items = c.list(() => {
      if (c.accept('COLUMN')) kind = 'column'
      else if (c.accept('CONSTRAINT')) kind = 'constraint'
      if (c.accept('IF')) c.expect('EXISTS')
      return { kind, name: c.name() }
    })
    return { action: 'drop', items }
  }
  if (c.at('ENABLE') || c.at('DISABLE')) {
    const enable = c.next().text === 'ENABLE'
    c.expect('TRIGGER')
    return { action: 'triggers', names: c.accept('ALL') ? 'ALL' : c.list(() => c.name()), enable }
  }
  if (c.accept('REBUILD')) {
    if (c.accept('PARTITION')) {
      c.expectOp('=')
      c.next()
    }
    return { action: 'rebuild', options: parseWith(c) }
  }
  c.expect('SET')
  c.expectOp('(')
  let change: AlterTable
  if (c.accept('LOCK_ESCALATION')) {
    c.expectOp('=')
    change = { action: 'lock-escalation', value: c.next().text }
  } else change = parseVersioning(c)
  c.expectOp(')')
  return change
}

function parseAlterColumn(c: Cursor): AlterTable {
  const name = c.peek(0).value
  const verb = c.peek(1).text
  if (verb !== 'ADD' && verb !== 'DROP') return { action: 'alter-column', column: parseColumn(c) }
  c.name()
  c.next()
  const add = verb === 'ADD'
  const property = c.next().text
  if (property === 'NOT') {
    c.expect('FOR', 'REPLICATION')
    return { action: 'alter-column-property', column: name, add, property: 'NOT FOR REPLICATION' }
  }
  if (property === 'MASKED' && add) {
    c.expect('WITH')
    c.expectOp('(')
    c.expect('FUNCTION')
    c.expectOp('=')
    const { value } = c.next()
    c.expectOp(')')
    return { action: 'alter-column-property', column: name, add, property, value }
  }
  return { action: 'alter-column-property', column: name, add, property }
}
