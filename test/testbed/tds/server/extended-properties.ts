import type { TdsType, TdsValue } from '../backend.ts'
import { createCursor } from './cursor.ts'
import { databaseTrigger } from './execute-module.ts'
import type { Database, SqlObject } from './model.ts'
import { findObject, objectByName, principalByName, requireSchema, sameName } from './names.ts'
import { isOwner } from './permissions.ts'
import { moduleOf } from './sources.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState } from './state.ts'
import { columnByName } from './table-definition.ts'

type Levels = readonly { readonly type: TdsValue; readonly name: TdsValue }[]

interface Place {
  readonly class: number
  readonly majorId: number
  readonly minorId: number
}

const badLevels = () =>
  new SqlError(15600, "An invalid parameter or option was specified for procedure 'sp_addextendedproperty'.")
const KIND: Readonly<Record<string, readonly string[]>> = {
  TABLE: ['U'],
  VIEW: ['V'],
  PROCEDURE: ['P'],
  FUNCTION: ['FN', 'IF', 'TF'],
  SEQUENCE: ['SO'],
  SYNONYM: ['SN'],
}

function locate(session: SessionState, levels: Levels): Place {
  const { database } = session
  const [first, second, third] = levels.map((level) => ({
    type: level.type === null ? null : String(level.type).toUpperCase(),
    name: String(level.name ?? ''),
  })) as [
    { type: string | null; name: string },
    { type: string | null; name: string },
    { type: string | null; name: string },
  ]
  if (first.type === null) return { class: 0, majorId: 0, minorId: 0 }
  const missing = (name: string) =>
    new SqlError(
      15135,
      `Object is invalid. Extended properties are not permitted on '${name}', or the object does not exist.`,
    )
  if (first.type === 'USER' || first.type === 'ROLE') {
    const principal = principalByName(database, first.name)
    if (principal === undefined) throw missing(first.name)
    return { class: 4, majorId: principal.id, minorId: 0 }
  }
  if (first.type === 'PARTITION FUNCTION' || first.type === 'PARTITION SCHEME') {
    const all: Iterable<{ id: number; name: string }> =
      first.type === 'PARTITION FUNCTION' ? database.functions.values() : database.dataSpaces.values()
    const found = [...all].find((each) => sameName(each.name, first.name))
    if (found === undefined) throw missing(first.name)
    return { class: first.type === 'PARTITION FUNCTION' ? 21 : 20, majorId: found.id, minorId: 0 }
  }
  if (first.type === 'TRIGGER') {
    const found = databaseTrigger(database, first.name)
    if (found === undefined) throw missing(first.name)
    return { class: 1, majorId: found.object.id, minorId: 0 }
  }
  if (first.type !== 'SCHEMA') throw badLevels()
  const schema = requireSchema(database, first.name)
  if (second.type === null) return { class: 3, majorId: schema.id, minorId: 0 }
  if (second.type === 'TYPE' || second.type === 'TABLE_TYPE') {
    const type = [...database.types.values()].find(
      (each) => each.schemaId === schema.id && sameName(each.name, second.name),
    )
    if (type === undefined) throw missing(`${first.name}.${second.name}`)
    if (second.type === 'TABLE_TYPE' && third.type === 'COLUMN') {
      const table = database.objects.get(type.tableObjectId ?? 0)
      return { class: 8, majorId: type.id, minorId: columnByName(table?.table?.columns ?? [], third.name).id }
    }
    return { class: 6, majorId: type.id, minorId: 0 }
  }
  const object = objectByName(database, schema.id, second.name)
  if (object === undefined || !(KIND[second.type] ?? []).includes(object.type))
    throw missing(`${first.name}.${second.name}`)
  return third.type === null
    ? { class: 1, majorId: object.id, minorId: 0 }
    : within(database, object, third.type, third.name, missing)
}

function within(
  database: Database,
  object: SqlObject,
  type: string,
  name: string,
  missing: (name: string) => SqlError,
): Place {
  const full = `${object.name}.${name}`
  switch (type) {
    case 'COLUMN': {
      if (object.table !== undefined)
        return { class: 1, majorId: object.id, minorId: columnByName(object.table.columns, name).id }
      const at = object.module?.columns?.findIndex((column) => sameName(column.name, name)) ?? -1
      if (at < 0) throw missing(full)
      return { class: 1, majorId: object.id, minorId: at + 1 }
    }
    case 'PARAMETER': {
      const at =
        object.module === undefined
          ? -1
          : moduleOf(object).parameters.findIndex((parameter) => sameName(parameter.name, name))
      if (at < 0) throw missing(full)
      return { class: 2, majorId: object.id, minorId: at + 1 }
    }
    case 'INDEX': {
      const index = object.table?.indexes.find((each) => each.name !== null && sameName(each.name, name))
      if (index === undefined) throw missing(full)
      return { class: 7, majorId: object.id, minorId: index.id }
    }
    case 'CONSTRAINT':
    case 'TRIGGER': {
      const found = [...database.objects.values()].find(
        (each) =>
          each.parentId === object.id &&
          sameName(each.name, name) &&
          (each.type === 'TR') === (type === 'TRIGGER'),
      )
      if (found === undefined) throw missing(full)
      return { class: 1, majorId: found.id, minorId: 0 }
    }
    default:
      throw badLevels()
  }
}

const keyOfProperty = (place: Place, name: string) =>
  `${place.class}:${place.majorId}:${place.minorId}:${name.toLowerCase()}`

export function addProperty(
  session: SessionState,
  name: string,
  value: TdsValue,
  type: TdsType,
  levels: Levels,
  update: boolean,
): void {
  const { database } = session
  if (!isOwner(session, database))
    throw new SqlError(15247, 'User does not have permission to perform this action.')
  const place = locate(session, levels)
  const key = keyOfProperty(place, name)
  if (update !== database.properties.has(key))
    throw update
      ? new SqlError(15217, `Cannot update or delete the property. Property '${name}' does not exist.`)
      : new SqlError(15233, `Property cannot be added. Property '${name}' already exists.`)
  change(session, database.properties, key, { ...place, name, value, type })
}

export function dropProperty(session: SessionState, name: string, levels: Levels): void {
  const key = keyOfProperty(locate(session, levels), name)
  if (!session.database.properties.has(key))
    throw new SqlError(15217, `Cannot update or delete the property. Property '${name}' does not exist.`)
  change(session, session.database.properties, key, undefined)
}

export function setTriggerOrder(
  session: SessionState,
  name: string,
  order: string,
  event: string,
  namespace: TdsValue,
): void {
  const found =
    namespace === null
      ? findObject(session, createCursor(name).names())
      : databaseTrigger(session.database, createCursor(name).names().at(-1) ?? '')
  const trigger = found?.object.module?.trigger
  if (found === undefined || trigger === undefined)
    throw new SqlError(15165, `Could not find object '${name}' or you do not have permission.`)
  const wanted = event.toUpperCase()
  if (!trigger.events.includes(wanted))
    throw new SqlError(15125, `Trigger '${name}' is not a trigger for '${event}'.`)
  const { [wanted]: _, ...rest } = trigger.order
  const place = order.toLowerCase()
  const changed =
    place === 'none'
      ? rest
      : { ...rest, [wanted]: place === 'first' ? ('First' as const) : ('Last' as const) }
  const module = found.object.module as NonNullable<SqlObject['module']>
  change(session, found.database.objects, found.object.id, {
    ...found.object,
    module: { ...module, trigger: { ...trigger, order: changed } },
  })
}
