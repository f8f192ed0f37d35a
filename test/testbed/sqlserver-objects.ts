import { createHash } from 'node:crypto'
import type { TdsValue } from './tds/backend.ts'
import type { Column, Database, Index, SqlObject } from './tds/server/model.ts'
import type { ServerState } from './tds/server/state.ts'
import { typeText } from './tds/server/types.ts'
import { Variant } from './tds/server/values.ts'

const SYSTEM = ['master', 'tempdb', 'model', 'msdb']

/**
 * Everything of the user's on a server, by name, straight from its memory and past all of lifeboat: two servers hold the
 * same if these maps are equal. Ids, dates of making and names that the server itself made up don't count.
 */
export function listSqlServerObjects(server: { readonly state: ServerState }): Map<string, string> {
  const objects = new Map<string, string>()
  for (const database of server.state.databases.values()) {
    if (SYSTEM.includes(database.name)) continue
    const add = (name: string, value: unknown) => objects.set(`${database.name}: ${name}`, plain(value))
    add('database', { collation: option(database).collation, compatibility: option(database).compatibility })
    addGround(database, add)
    for (const object of database.objects.values()) addObject(database, object, add)
    addSecurity(database, server.state, add)
  }
  return objects
}

/** The same as plain JSON. */
export function comparable(server: { readonly state: ServerState }): unknown {
  return Object.fromEntries([...listSqlServerObjects(server)].sort(([a], [b]) => (a < b ? -1 : 1)))
}

type Add = (name: string, value: unknown) => void

const option = (database: Database) => {
  const found = database.options.get('options')
  if (found === undefined) throw new Error(`${database.name} has no options`)
  return found
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => {
    if (typeof inner === 'bigint') return `${inner}n`
    if (inner instanceof Uint8Array) return showValue(inner)
    return inner
  })
}

function showValue(value: TdsValue): string {
  if (value instanceof Variant) return `${typeText(value.base)}:${showValue(value.inner)}`
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (Object.is(value, -0)) return '-0'
  return value === null ? 'NULL' : `${typeof value}:${value}`
}

const schemaName = (database: Database, id: number) => database.schemas.get(id)?.name ?? ''
const principalName = (database: Database, id: number | null) =>
  id === null ? null : (database.principals.get(id)?.name ?? `#${id}`)

function nameOf(database: Database, object: SqlObject): string {
  const parent = database.objects.get(object.parentId)
  if (parent !== undefined && object.type !== 'TR') {
    const own = object.systemNamed ? `(${object.type} ${constraintKey(object, parent)})` : object.name
    return `${nameOf(database, parent)} ${own}`
  }
  if (object.type === 'TT') {
    const type = [...database.types.values()].find((each) => each.tableObjectId === object.id)
    return `table type ${type === undefined ? '?' : `${schemaName(database, type.schemaId)}.${type.name}`}`
  }
  return `${schemaName(database, object.schemaId)}.${object.name}`
}

/** What tells constraints without a name of their own apart. */
function constraintKey(object: SqlObject, parent: SqlObject): string {
  const columns = parent.table?.columns ?? []
  const names = (ids: readonly number[]) =>
    ids.map((id) => columns.find((column) => column.id === id)?.name).join()
  if (object.default !== undefined) return names([object.default.columnId])
  if (object.check !== undefined) return object.check.text
  if (object.foreignKey !== undefined) return names(object.foreignKey.columns)
  const index = parent.table?.indexes.find((each) => each.id === object.indexId)
  return names(index?.columns.map((column) => column.columnId) ?? [])
}

function addGround(database: Database, add: Add): void {
  for (const schema of database.schemas.values())
    add(`schema ${schema.name}`, principalName(database, schema.ownerId))
  for (const type of database.types.values())
    add(`type ${schemaName(database, type.schemaId)}.${type.name}`, {
      base: type.tableObjectId === null ? typeText(type.base) : 'table',
      nullable: type.nullable,
    })
  for (const each of database.functions.values())
    add(`partition function ${each.name}`, {
      right: each.right,
      type: typeText(each.type),
      values: each.values,
    })
  for (const space of database.dataSpaces.values())
    add(`data space ${space.name}`, {
      function: space.functionId === null ? null : database.functions.get(space.functionId)?.name,
      to: space.destinations.map((id) => database.dataSpaces.get(id)?.name),
    })
}

function addObject(database: Database, object: SqlObject, add: Add): void {
  const name = `${object.type} ${nameOf(database, object)}`
  const parent = database.objects.get(object.parentId)
  const columns = parent?.table?.columns ?? []
  const names = (ids: readonly number[]) => ids.map((id) => columns.find((column) => column.id === id)?.name)
  if (object.table !== undefined) addTable(database, object, name, add)
  else if (object.sequence !== undefined) {
    const { userTypeId, ...facts } = object.sequence
    const state = database.sequenceValues.get(object.id)
    // The next value is what counts: one that is not used yet and one restarted there are the same.
    const next = state === undefined ? facts.start : state.used ? state.value + facts.increment : state.value
    add(name, { ...facts, alias: database.types.get(userTypeId)?.name, next })
  } else if (object.synonym !== undefined) add(name, object.synonym)
  else if (object.module !== undefined) {
    const { references: _, columns: __, ...module } = object.module
    add(name, { ...module, on: parent === undefined ? null : nameOf(database, parent) })
  } else if (object.check !== undefined) {
    const { expr: _, columnId: __, ...check } = object.check
    add(name, check)
  } else if (object.default !== undefined)
    add(name, { column: names([object.default.columnId]), text: object.default.text })
  else if (object.foreignKey !== undefined) {
    const { foreignKey } = object
    const target = database.objects.get(foreignKey.referencedId)
    const theirs = target?.table?.columns ?? []
    add(name, {
      columns: names(foreignKey.columns),
      to: target === undefined ? null : nameOf(database, target),
      targetColumns: foreignKey.referencedColumns.map(
        (id) => theirs.find((column) => column.id === id)?.name,
      ),
      onDelete: foreignKey.onDelete,
      onUpdate: foreignKey.onUpdate,
      disabled: foreignKey.disabled,
      notTrusted: foreignKey.notTrusted,
      notForReplication: foreignKey.notForReplication,
    })
  } else add(name, 'key')
}

function addTable(database: Database, object: SqlObject, name: string, add: Add): void {
  const facts = object.table
  if (facts === undefined) return
  const columnName = (id: number) => facts.columns.find((column) => column.id === id)?.name ?? `#${id}`
  const history = facts.temporal === null ? undefined : database.objects.get(facts.temporal.historyId)
  add(name, {
    columns: facts.columns.map((column) => showColumn(database, column)),
    period: facts.period === null ? null : [columnName(facts.period.start), columnName(facts.period.end)],
    temporal:
      facts.temporal === null
        ? null
        : { ...facts.temporal, historyId: history === undefined ? null : nameOf(database, history) },
    isHistory: facts.historyOf !== null,
    lockEscalation: facts.lockEscalation,
  })
  for (const index of facts.indexes)
    add(`${name} index ${showIndexName(index, columnName)}`, showIndex(database, index, columnName))
  const data = database.data.get(object.id)
  const isDropped = (column: Column) => column.type.name === 'timestamp'
  // By name: where the columns stand is told beside them.
  const places = facts.columns
    .flatMap((column, at) => (isDropped(column) ? [] : [{ name: column.name, at }]))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const digests = (data?.rows ?? []).map((row) => {
    const hash = createHash('sha256')
    for (const { at } of places) hash.update(`${showValue(row[at] ?? null)}\u0001`)
    return hash.digest('hex')
  })
  const identity = facts.columns.some((column) => column.identity !== undefined)
    ? `, last identity ${data?.lastIdentity ?? 'none'}`
    : ''
  const digest = createHash('sha256').update(digests.sort().join('\n')).digest('hex')
  add(`${name} rows`, `${digests.length} rows, ${digest}${identity}`)
}

function showColumn(database: Database, column: Column): unknown {
  const { id: _, userTypeId, type, computed, ...rest } = column
  const alias = database.types.get(userTypeId)
  return {
    ...rest,
    type:
      alias === undefined
        ? typeText(type)
        : `${schemaName(database, alias.schemaId)}.${alias.name} ${typeText(type)}`,
    computed: computed === undefined ? null : { text: computed.text, persisted: computed.persisted },
  }
}

const showIndexName = (index: Index, columnName: (id: number) => string) =>
  // A key's name may be the server's own: its columns tell it apart.
  index.primary
    ? 'primary key'
    : index.uniqueConstraint
      ? `unique (${index.columns.map((column) => columnName(column.columnId)).join()})`
      : (index.name ?? 'heap')

function showIndex(database: Database, index: Index, columnName: (id: number) => string): unknown {
  const { id: _, name: __, filter, dataSpaceId, columns, ...rest } = index
  return {
    ...rest,
    filter: filter?.text ?? null,
    dataSpace: database.dataSpaces.get(dataSpaceId)?.name,
    columns: columns.map(({ columnId, ...column }) => ({ ...column, name: columnName(columnId) })),
  }
}

function addSecurity(database: Database, server: ServerState, add: Add): void {
  const logins = new Map([...server.logins.values()].map((login) => [login.sid, login.name]))
  for (const principal of database.principals.values())
    add(`principal ${principal.name}`, {
      type: principal.type,
      defaultSchema: principal.defaultSchema,
      owner: principalName(database, principal.ownerId),
      login: principal.sid === null ? null : (logins.get(principal.sid) ?? null),
    })
  for (const { roleId, memberId } of database.roleMembers.values())
    add(`member ${principalName(database, roleId)}: ${principalName(database, memberId)}`, true)
  for (const permission of database.permissions.values()) {
    const where = `${place(database, permission.class, permission.majorId, permission.minorId)}`
    add(
      `permission ${permission.name} on ${where} to ${principalName(database, permission.granteeId)}`,
      permission.state,
    )
  }
  for (const property of database.properties.values())
    add(
      `property ${property.name} of ${place(database, property.class, property.majorId, property.minorId)}`,
      {
        value: property.value,
        type: property.type.name,
      },
    )
}

function place(database: Database, kind: number, major: number, minor: number): string {
  if (kind === 0) return 'the database'
  if (kind === 3) return `schema ${schemaName(database, major)}`
  if (kind === 4) return `principal ${principalName(database, major)}`
  if (kind === 6 || kind === 8) return `type ${database.types.get(major)?.name} ${minor}`
  if (kind === 20) return `scheme ${database.dataSpaces.get(major)?.name}`
  if (kind === 21) return `function ${database.functions.get(major)?.name}`
  const object = database.objects.get(major)
  const own = object === undefined ? `#${major}` : nameOf(database, object)
  if (kind === 7) return `index ${object?.table?.indexes.find((index) => index.id === minor)?.name} of ${own}`
  if (minor === 0) return own
  const column =
    kind === 1 ? (object?.table?.columns.find((each) => each.id === minor)?.name ?? minor) : minor
  return `${own} ${kind === 2 ? 'parameter' : 'column'} ${column}`
}
