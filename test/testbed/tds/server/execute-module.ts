import { createCursor } from './cursor.ts'
import { requireAlter } from './execute-table.ts'
import type { Database, ModuleFacts, Reference, SqlObject } from './model.ts'
import { findObject, placeFor, requireObject, resolveTypeName } from './names.ts'
import { nowText, takeObjectId } from './new-database.ts'
import { requireDatabasePermission } from './permissions.ts'
import { compileQuery, createBinder } from './query.ts'
import { missingObject, SqlError } from './sql-error.ts'
import { change, type SessionState, type Variable } from './state.ts'
import type { ModuleStatement } from './statements.ts'

const WORDS: Readonly<Record<ModuleStatement['type'], string>> = {
  V: 'CREATE VIEW',
  P: 'CREATE PROCEDURE',
  FN: 'CREATE FUNCTION',
  IF: 'CREATE FUNCTION',
  TF: 'CREATE FUNCTION',
  TR: 'CREATE PROCEDURE',
}

/** A session that sees other variables and nothing else changed: to compile a module's text under its parameters. */
export function withVariables(session: SessionState, variables: Map<string, Variable>): SessionState {
  return Object.create(session, { variables: { value: variables, writable: true } }) as SessionState
}

export function parameterVariables(session: SessionState, module: ModuleStatement): Map<string, Variable> {
  return new Map(
    module.parameters.map((parameter) => {
      const resolved = resolveTypeName(session, parameter.type)
      return [parameter.name, { type: resolved.base, value: null }]
    }),
  )
}

export function putModule(session: SessionState, statement: ModuleStatement): void {
  const isDatabaseTrigger = statement.trigger?.on === 'DATABASE'
  const old = isDatabaseTrigger
    ? databaseTrigger(session.database, statement.name.at(-1) ?? '')
    : findObject(session, statement.name)
  if (statement.verb === 'ALTER' && old === undefined) throw missingObject(statement.name.join('.'))
  if (statement.verb === 'CREATE' && old !== undefined)
    throw new SqlError(2714, `There is already an object named '${statement.name.at(-1)}' in the database.`, {
      endsBatch: true,
    })
  const place = old === undefined ? placeFor(session, triggerName(session, statement)) : undefined
  const database = old?.database ?? (place?.database as Database)
  if (old === undefined) requireDatabasePermission(session, database, WORDS[statement.type])
  else requireAlter(session, database, old.object)

  let parentId = 0
  if (statement.trigger !== undefined && statement.trigger.on !== 'DATABASE') {
    const found = findObject(session, statement.trigger.on)
    if (found === undefined || (found.object.type !== 'U' && found.object.type !== 'V'))
      throw new SqlError(
        8197,
        `The object '${statement.trigger.on.join('.')}' does not exist or is invalid for this operation.`,
        { endsBatch: true },
      )
    parentId = found.object.id
  }
  const references = referencesIn(statement)
  if (statement.schemaBound) checkSchemaBound(session, statement, references)
  const columns = compiledColumns(session, statement)
  const before = old?.object.module?.trigger
  const module: ModuleFacts = {
    text: statement.definition,
    ansiNulls: session.ansiNulls,
    quotedIdentifier: session.quotedIdentifier,
    schemaBound: statement.schemaBound,
    encrypted: statement.encrypted,
    references,
    ...(columns === undefined ? {} : { columns }),
    ...(statement.trigger === undefined
      ? {}
      : {
          trigger: {
            events: statement.trigger.events,
            insteadOf: statement.trigger.insteadOf,
            disabled: before?.disabled ?? false,
            order: before?.order ?? {},
            database: isDatabaseTrigger,
          },
        }),
  }
  const object: SqlObject =
    old?.object !== undefined
      ? { ...old.object, module }
      : {
          id: takeObjectId(database),
          schemaId: isDatabaseTrigger
            ? 0
            : parentId === 0
              ? (place?.schema.id ?? 1)
              : (database.objects.get(parentId)?.schemaId ?? 1),
          name: place?.name ?? '',
          type: statement.type,
          parentId,
          created: nowText(),
          module,
        }
  change(session, database.objects, object.id, object)
}

/** A trigger lies in the schema of its table. */
function triggerName(session: SessionState, statement: ModuleStatement): readonly string[] {
  const on = statement.trigger?.on
  if (on === undefined || on === 'DATABASE' || statement.name.length > 1) return statement.name
  const { database, object } = requireObject(session, on)
  return [database.schemas.get(object.schemaId)?.name ?? 'dbo', ...statement.name]
}

export function databaseTrigger(database: Database, name: string) {
  for (const object of database.objects.values())
    if (object.module?.trigger?.database && object.name.toLowerCase() === name.toLowerCase())
      return { database, object }
  return undefined
}

/** Views and inline functions are bound when they are made; procedures and triggers only when they run. */
function compiledColumns(session: SessionState, statement: ModuleStatement): ModuleFacts['columns'] {
  if (statement.query === undefined) return undefined
  const inner = withVariables(session, parameterVariables(session, statement))
  const plan = compileQuery(statement.query, createBinder(inner, true))
  const names = statement.columns ?? plan.columns.map((column) => column.name)
  if (names.length !== plan.columns.length)
    throw new SqlError(
      names.length > plan.columns.length ? 8158 : 8159,
      `'${statement.name.at(-1)}' has ${names.length > plan.columns.length ? 'fewer' : 'more'} columns than were specified in the column list.`,
    )
  for (const [at, name] of names.entries()) {
    if (name === '')
      throw new SqlError(
        4511,
        'Create View or Function failed because no column name was specified for column 1.'.replace(
          '1.',
          `${at + 1}.`,
        ),
      )
    if (names.findIndex((each) => each.toLowerCase() === name.toLowerCase()) !== at)
      throw new SqlError(
        4506,
        `Column names in each view or function must be unique. Column name '${name}' in view or function '${statement.name.at(-1)}' is specified more than once.`,
      )
  }
  return plan.columns.map((column, at) => ({
    name: names[at] ?? '',
    type: column.type,
    nullable: column.nullable,
  }))
}

function checkSchemaBound(
  session: SessionState,
  statement: ModuleStatement,
  references: readonly Reference[],
): void {
  for (const reference of references) {
    if (reference.schema === null)
      throw new SqlError(
        4512,
        `Cannot schema bind ${statement.type === 'V' ? 'view' : 'function'} '${statement.name.join('.')}' because name '${reference.name}' is invalid for schema binding. Names must be in two-part format and an object cannot reference itself.`,
      )
    if (findObject(session, [reference.schema, reference.name]) === undefined)
      throw missingObject(`${reference.schema}.${reference.name}`)
  }
}

const BEFORE_NAME = new Set([
  'FROM',
  'JOIN',
  'INTO',
  'UPDATE',
  'EXEC',
  'EXECUTE',
  'REFERENCES',
  'APPLY',
  'FOR',
])

/** Names after FROM, JOIN …, and two-part names that are called: what sys.sql_expression_dependencies lists. */
function referencesIn(statement: ModuleStatement): Reference[] {
  const c = createCursor(statement.definition)
  const found = new Map<string, Reference>()
  const ctes = new Set(statement.query?.ctes.map((cte) => cte.name.toLowerCase()) ?? [])
  let bodyStarted = false
  while (c.token.kind !== 'end') {
    const token = c.next()
    if (token.kind === 'word' && (token.text === 'AS' || token.text === 'BEGIN' || token.text === 'RETURN'))
      bodyStarted = true
    if (!bodyStarted || (c.token.kind !== 'word' && c.token.kind !== 'quoted')) continue
    const after = token.kind === 'word' && BEFORE_NAME.has(token.text)
    const parts: string[] = []
    let ahead = 0
    while (c.peek(ahead).kind === 'word' || c.peek(ahead).kind === 'quoted') {
      parts.push(c.peek(ahead).value)
      if (c.peek(ahead + 1).text !== '.') break
      ahead += 2
    }
    const called = parts.length === 2 && c.peek(ahead + 1).text === '('
    if (!after && !called) continue
    const name = parts.at(-1) ?? ''
    if (after && token.text === 'FOR' && !called) continue
    if (
      after &&
      !called &&
      parts.length === 1 &&
      c.token.kind === 'word' &&
      /^(VALUES|SELECT|INSERTED|DELETED|SET)$/.test(c.token.text)
    )
      continue
    if (parts.length === 1 && ctes.has(name.toLowerCase())) continue
    const schema = parts.length > 1 ? (parts.at(-2) ?? null) : null
    if (schema?.toLowerCase() === 'sys') continue
    if (called && /^(inserted|deleted)$/i.test(schema ?? '')) continue
    const reference = { database: parts.length > 2 ? (parts.at(-3) ?? null) : null, schema, name }
    found.set(`${schema}.${name}`.toLowerCase(), reference)
  }
  return [...found.values()]
}
