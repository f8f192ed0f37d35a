import type { TdsValue } from '../backend.ts'
import type { Expr } from './ast.ts'
import { catalogView } from './catalog.ts'
import { compile } from './compile.ts'
import { createCursor } from './cursor.ts'
import { parameterVariables, withVariables } from './execute-module.ts'
import type { Database, SqlObject } from './model.ts'
import { findDatabase, findObject, sameName } from './names.ts'
import { parseBatch } from './parse-batch.ts'
import { canSee, requirePermission } from './permissions.ts'
import { compileQuery, createBinder } from './query.ts'
import { dataOf } from './rows.ts'
import type { Binder, Plan } from './scope.ts'
import { scopeColumns } from './scope-columns.ts'
import { missingObject, notPlayed, SqlError } from './sql-error.ts'
import { visibleRows } from './state.ts'
import type { ModuleStatement } from './statements.ts'
import { castValue } from './values.ts'

/** A table, view, synonym, catalog view or pseudo table by its name. */
export function openTable(
  binder: Binder,
  name: readonly string[],
  hints: readonly string[],
  systemTime: boolean,
): Plan {
  const { session } = binder
  const last = name.at(-1) ?? ''
  const schema = name.at(-2) ?? ''
  if (sameName(schema, 'sys') || sameName(schema, 'INFORMATION_SCHEMA')) {
    const database = findDatabase(session, name.length === 3 ? (name[0] ?? '') : '')
    return catalogView(session, database, `${schema.toLowerCase()}.${last.toLowerCase()}`, name.join('.'))
  }
  if (name.length === 1) {
    const pseudo = session.pseudo.get(last.toLowerCase())
    if (pseudo !== undefined)
      return {
        columns: pseudo.columns,
        *rows() {
          for (const row of pseudo.rows) yield [...row]
        },
      }
  }
  // Catalog views are found without their schema from the old days only: sysobjects and its kin.
  const found = findObject(session, name)
  if (found === undefined) throw missingObject(name.join('.'))
  return openObject(binder, found.database, found.object, hints, systemTime, name)
}

function openObject(
  binder: Binder,
  database: Database,
  object: SqlObject,
  hints: readonly string[],
  systemTime: boolean,
  name: readonly string[],
): Plan {
  const { session } = binder
  if (object.synonym !== undefined) {
    const target = createCursor(object.synonym).names()
    return openTable(binder, target, hints, systemTime)
  }
  if (object.table !== undefined && object.type === 'U') {
    if (!binder.trusted) {
      if (!canSee(session, database, object)) throw deniedSelect(database, object)
      requirePermission(session, database, 'SELECT', object)
    }
    const own = tableRows(binder, database, object, hints)
    if (!systemTime || object.table.temporal === null) return own
    const history = database.objects.get(object.table.temporal.historyId)
    const past = history === undefined ? undefined : tableRows(binder, database, history, hints)
    return {
      columns: own.columns,
      *rows(outer) {
        yield* own.rows(outer)
        if (past !== undefined) yield* past.rows(outer)
      },
    }
  }
  if (object.type === 'V' && object.module !== undefined) {
    if (!binder.trusted) requirePermission(session, database, 'SELECT', object)
    const statement = moduleOf(object)
    if (statement.query === undefined) throw missingObject(name.join('.'))
    const inner = Object.create(session, { database: { value: database, writable: true } })
    const plan = compileQuery(statement.query, createBinder(inner, true))
    return {
      ...plan,
      columns: plan.columns.map((column, at) => ({
        ...column,
        name: statement.columns?.[at] ?? column.name,
      })),
    }
  }
  throw missingObject(name.join('.'))
}

const deniedSelect = (database: Database, object: SqlObject) =>
  new SqlError(
    229,
    `The SELECT permission was denied on the object '${object.name}', database '${database.name}', schema '${database.schemas.get(object.schemaId)?.name}'.`,
  )

export function moduleOf(object: SqlObject): ModuleStatement {
  const [statement] = parseBatch(object.module?.text ?? '', object.module?.quotedIdentifier ?? true)
  if (statement?.kind !== 'module') throw new Error(`${object.name} is no module`)
  return statement
}

function tableRows(binder: Binder, database: Database, object: SqlObject, hints: readonly string[]): Plan {
  const { session } = binder
  const columns = object.table?.columns ?? []
  const data = dataOf(database, object)
  const dirty =
    hints.includes('NOLOCK') || hints.includes('READUNCOMMITTED') || session.isolation === 'READ UNCOMMITTED'
  const set = columns.findIndex((column) => column.columnSet)
  const sparse = columns.flatMap((column, at) => (column.sparse ? [{ column, at }] : []))
  if (
    session.transaction?.snapshot != null &&
    database.options.get('options')?.snapshotIsolation !== true &&
    database.name !== 'tempdb'
  )
    throw new SqlError(
      3952,
      `Snapshot isolation transaction failed accessing database '${database.name}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.`,
    )
  return {
    columns: scopeColumns(columns),
    *rows() {
      for (const row of visibleRows(session, data, dirty)) {
        if (set < 0) yield row as TdsValue[]
        else {
          const copy = [...row]
          const parts = sparse.flatMap(({ column, at }) =>
            row[at] === null
              ? []
              : [
                  `<${column.name}>${castValue(row[at] ?? null, column.type, { name: 'nvarchar', length: -1 })}</${column.name}>`,
                ],
          )
          copy[set] = parts.length === 0 ? null : parts.join('')
          yield copy
        }
      }
    },
  }
}

export function openFunction(binder: Binder, name: readonly string[], args: readonly Expr[]): Plan {
  const { session } = binder
  const schema = name.at(-2) ?? ''
  if (sameName(schema, 'sys') || name.length === 1) throw notPlayed(`the table function ${name.join('.')}`)
  const found = findObject(session, name)
  if (found === undefined || !['IF', 'TF'].includes(found.object.type)) throw missingObject(name.join('.'))
  if (found.object.type === 'TF') throw notPlayed('functions with statements as a source')
  const statement = moduleOf(found.object)
  const variables = parameterVariables(session, statement)
  const values = args.map((arg) => compile(arg, binder))
  const inner = withVariables(session, variables)
  if (statement.query === undefined) throw missingObject(name.join('.'))
  const plan = compileQuery(statement.query, createBinder(inner, true))
  return {
    columns: plan.columns,
    *rows(outer) {
      for (const [at, parameter] of statement.parameters.entries()) {
        const variable = variables.get(parameter.name)
        const value = values[at]
        // An APPLY's arguments are those of the row outside.
        if (variable !== undefined && value !== undefined)
          variable.value = castValue(
            value.eval(outer ?? { row: [], outer: undefined }),
            value.type,
            variable.type,
          )
      }
      yield* plan.rows(undefined)
    },
  }
}
