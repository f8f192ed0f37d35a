import type { TdsType } from '../backend.ts'
import { putTable, requireAlter } from './execute-table.ts'
import { heap } from './index-definition.ts'
import type { Database, SqlObject, TableFacts } from './model.ts'
import { findObject, requireSchema } from './names.ts'
import { dataOf, qualified } from './rows.ts'
import { SqlError } from './sql-error.ts'
import { change, lockTable, type SessionState, visibleRows } from './state.ts'
import { columnByName, newObject } from './table-definition.ts'
import type { AlterTable, ConstraintDef } from './table-statements.ts'
import { fitMoment, type Moment, momentOfDate, momentText } from './temporal.ts'

export function endOfTime(type: TdsType): string {
  const scale = type.scale ?? 7
  return `9999-12-31 23:59:59${scale === 0 ? '' : `.${'9'.repeat(scale)}`}`
}

export const periodNow = (type: TdsType) =>
  momentText(fitMoment(momentOfDate(new Date()), type) as Moment, type)

export function addPeriod(
  session: SessionState,
  database: Database,
  table: SqlObject,
  def: Extract<ConstraintDef, { kind: 'period' }>,
): void {
  const facts = table.table as TableFacts
  if (facts.period !== null)
    throw new SqlError(13597, `Temporal 'FOR SYSTEM_TIME' period already exists in table '${table.name}'.`)
  const start = columnByName(facts.columns, def.start)
  const end = columnByName(facts.columns, def.end)
  for (const column of [start, end])
    if (column.type.name !== 'datetime2' || column.nullable)
      throw new SqlError(
        13587,
        `Period column '${column.name}' in a system-versioned temporal table cannot be nullable and must be datetime2.`,
      )
  const data = database.data.get(table.id)
  const rows = data === undefined ? [] : visibleRows(session, data)
  const now = periodNow(start.type)
  for (const row of rows) {
    if (row[facts.columns.indexOf(end)] !== endOfTime(end.type))
      throw new SqlError(
        13575,
        `ADD PERIOD FOR SYSTEM_TIME failed because table '${database.name}.${qualified(database, table)}' contains records where end of period is not equal to MAX datetime.`,
      )
    if (String(row[facts.columns.indexOf(start)]) > now)
      throw new SqlError(
        13542,
        `ADD PERIOD FOR SYSTEM_TIME on table '${database.name}.${qualified(database, table)}' failed because there are open records with start of period set to a value in the future.`,
      )
  }
  const columns = facts.columns.map((column) =>
    column === start
      ? { ...column, generated: 1 as const }
      : column === end
        ? { ...column, generated: 2 as const }
        : column,
  )
  putTable(session, database, table, { columns, period: { start: start.id, end: end.id } })
}

export async function setVersioning(
  session: SessionState,
  database: Database,
  table: SqlObject,
  def: Extract<AlterTable, { action: 'versioning' }>,
  signal: AbortSignal,
): Promise<void> {
  const facts = table.table as TableFacts
  if (!def.on) {
    if (facts.temporal === null)
      throw new SqlError(
        13591,
        `SYSTEM_VERSIONING is not turned ON for table '${qualified(database, table)}'.`,
      )
    const history = database.objects.get(facts.temporal.historyId)
    if (history !== undefined) putTable(session, database, history, { historyOf: null })
    putTable(session, database, table, { temporal: null })
    return
  }
  const { period } = facts
  const where = `${database.name}.${qualified(database, table)}`
  if (period === null)
    throw new SqlError(13510, 'Cannot set SYSTEM_VERSIONING to ON when SYSTEM_TIME period is not defined.')
  if (!facts.indexes.some((index) => index.primary))
    throw new SqlError(13553, `System versioned temporal table '${where}' must have primary key defined.`)
  if (facts.temporal !== null) {
    putTable(session, database, table, { temporal: { ...facts.temporal, ...retentionOf(def) } })
    return
  }
  let history = def.history === undefined ? undefined : findObject(session, def.history)?.object
  if (history === undefined) {
    const name = def.history?.at(-1) ?? `MSSQL_TemporalHistoryFor_${table.id}`
    const schemaId =
      def.history !== undefined && def.history.length > 1
        ? requireSchema(database, def.history.at(-2) ?? '').id
        : table.schemaId
    history = newObject(database, { schemaId, name, type: 'U', parentId: 0 })
    const columns = facts.columns.map(({ identity: _, ...column }) => ({
      ...column,
      generated: 0 as const,
      hidden: false,
    }))
    const start = columns.find((column) => column.id === period.start)
    const end = columns.find((column) => column.id === period.end)
    const base = heap(database, columns, undefined, { DATA_COMPRESSION: 'PAGE' })
    const key = [end, start].map((column, at) => ({
      columnId: column?.id ?? 0,
      keyOrdinal: at + 1,
      partitionOrdinal: 0,
      descending: false,
      included: false,
    }))
    const indexes = [{ ...base, id: 1, type: 1 as const, name: `ix_${name}`, columns: key }]
    change(session, database.objects, history.id, {
      ...history,
      table: { ...facts, columns, indexes, period: null, temporal: null, historyOf: null },
    })
    change(session, database.data, history.id, { rows: [], pending: null, lastIdentity: null })
  } else {
    requireAlter(session, database, history)
    await lockTable(session, dataOf(database, history), signal)
    checkHistory(session, database, table, history, def.consistencyCheck)
  }
  putTable(session, database, history, { historyOf: table.id })
  putTable(session, database, table, {
    temporal: { historyId: history.id, retention: -1, retentionUnit: 'INFINITE', ...retentionOf(def) },
  })
}

const retentionOf = (def: { retention: { count: number; unit: string } | undefined }) =>
  def.retention === undefined ? {} : { retention: def.retention.count, retentionUnit: def.retention.unit }

function checkHistory(
  session: SessionState,
  database: Database,
  table: SqlObject,
  history: SqlObject,
  consistency: boolean,
): void {
  const facts = table.table as TableFacts
  const past = history.table as TableFacts
  const here = `${database.name}.${qualified(database, table)}`
  const there = `${database.name}.${qualified(database, history)}`
  if (past.columns.length !== facts.columns.length)
    throw new SqlError(
      13523,
      `Setting SYSTEM_VERSIONING to ON failed because table '${here}' has ${facts.columns.length} columns and table '${there}' has ${past.columns.length} columns.`,
    )
  for (const [at, column] of facts.columns.entries()) {
    const other = past.columns[at]
    if (other === undefined || other.name.toLowerCase() !== column.name.toLowerCase())
      throw new SqlError(
        13524,
        `Setting SYSTEM_VERSIONING to ON failed because column '${other?.name}' at ordinal ${at + 1} in history table '${there}' has a different name than the column '${column.name}' at the same ordinal in table '${here}'.`,
      )
    if (
      other.type.name !== column.type.name ||
      other.type.length !== column.type.length ||
      other.type.scale !== column.type.scale
    )
      throw new SqlError(
        13525,
        `Setting SYSTEM_VERSIONING to ON failed because column '${column.name}' has data type ${other.type.name} in history table '${there}' which is different from corresponding column type ${column.type.name} in table '${here}'.`,
      )
    if (other.nullable !== column.nullable)
      throw new SqlError(
        13530,
        `Setting SYSTEM_VERSIONING to ON failed because system column '${column.name}' in history table '${there}' corresponds to a column of other nullability in table '${here}'.`,
      )
    if (other.identity !== undefined)
      throw new SqlError(
        13518,
        `Setting SYSTEM_VERSIONING to ON failed because history table '${there}' has IDENTITY column specification.`,
      )
  }
  if (past.indexes.some((index) => index.unique))
    throw new SqlError(
      13515,
      `Setting SYSTEM_VERSIONING to ON failed because history table '${there}' has custom unique keys defined.`,
    )
  if (!consistency) return
  const start = past.columns.findIndex(
    (column) =>
      column.id === facts.period?.start ||
      column.name === facts.columns.find((each) => each.id === facts.period?.start)?.name,
  )
  const end = past.columns.findIndex(
    (column) => column.name === facts.columns.find((each) => each.id === facts.period?.end)?.name,
  )
  for (const row of visibleRows(session, dataOf(database, history)))
    if (String(row[end]) < String(row[start]))
      throw new SqlError(
        13541,
        `Setting SYSTEM_VERSIONING to ON failed because history table '${there}' contains invalid records with end of period set before start.`,
      )
}
