import type { TdsValue } from '../backend.ts'
import { compile } from './compile.ts'
import { addConstraint } from './constraints.ts'
import {
  addIndex,
  addKey,
  current,
  defineColumns,
  EMPTY_TABLE,
  putTable,
  requireAlter,
} from './execute-table.ts'
import { heap } from './index-definition.ts'
import type { Database, SequenceFacts, SqlObject } from './model.ts'
import {
  defaultSchema,
  placeFor,
  requireObject,
  requirePrincipal,
  requireSchema,
  resolveTypeName,
  sameName,
  schemaByName,
  userOf,
} from './names.ts'
import { requireDatabasePermission } from './permissions.ts'
import { createBinder } from './query.ts'
import { missingObject, SqlError } from './sql-error.ts'
import { change, type SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'
import { newObject } from './table-definition.ts'
import { castValue } from './values.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

export function createSchema(session: SessionState, statement: Of<'create-schema'>): void {
  const { database } = session
  requireDatabasePermission(session, database, 'CREATE SCHEMA')
  if (schemaByName(database, statement.name) !== undefined)
    throw new SqlError(2714, `There is already an object named '${statement.name}' in the database.`)
  const owner =
    statement.owner === undefined
      ? (userOf(session, database)?.id ?? 1)
      : requirePrincipal(database, statement.owner).id
  const id = Math.max(4, ...[...database.schemas.keys()].filter((key) => key < 16384)) + 1
  change(session, database.schemas, id, { id, name: statement.name, ownerId: owner })
}

export function createType(session: SessionState, statement: Of<'create-type'>): void {
  const { database } = session
  requireDatabasePermission(session, database, 'CREATE TYPE')
  const name = statement.name.at(-1) ?? ''
  const schema = requireSchema(
    database,
    statement.name.length > 1 ? (statement.name[0] ?? '') : defaultSchema(session, database),
  )
  for (const type of database.types.values())
    if (type.schemaId === schema.id && sameName(type.name, name))
      throw new SqlError(
        219,
        `The type '${schema.name}.${name}' already exists, or you do not have permission to create it.`,
      )
  const id = Math.max(256, ...database.types.keys()) + 1
  if (statement.base !== undefined) {
    const { base } = resolveTypeName(session, statement.base)
    change(session, database.types, id, {
      id,
      schemaId: schema.id,
      name,
      base,
      nullable: statement.nullable ?? true,
      tableObjectId: null,
    })
    return
  }
  const object = newObject(database, {
    schemaId: 4,
    name: `TT_${name}_${id.toString(16).toUpperCase()}`,
    type: 'TT',
    parentId: 0,
  })
  change(session, database.objects, object.id, { ...object, table: { ...EMPTY_TABLE, tableTypeId: id } })
  change(session, database.data, object.id, { rows: [], pending: null, lastIdentity: null })
  const columns = defineColumns(session, database, statement.columns, [], 1)
  putTable(session, database, object, {
    columns,
    nextColumnId: columns.length + 1,
    indexes: [heap(database, columns, undefined, {})],
  })
  for (const constraint of [
    ...statement.columns.flatMap((column) => column.constraints),
    ...statement.constraints,
  ]) {
    const table = current(database, object.id)
    if (constraint.kind === 'primary' || constraint.kind === 'unique')
      addKey(session, database, table, constraint)
    else if (constraint.kind === 'index') addIndex(session, database, table, constraint.index)
    else if (constraint.kind === 'check' || constraint.kind === 'default')
      addConstraint(session, database, table, constraint, true)
    else throw new SqlError(102, "Incorrect syntax near 'FOREIGN'.")
  }
  change(session, database.types, id, {
    id,
    schemaId: schema.id,
    name,
    base: { name: 'table type', length: -1 },
    nullable: false,
    tableObjectId: object.id,
  })
}

const LIMITS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  tinyint: [0n, 255n],
  smallint: [-32768n, 32767n],
  int: [-2147483648n, 2147483647n],
  bigint: [-9223372036854775808n, 9223372036854775807n],
}

export function putSequence(session: SessionState, statement: Of<'sequence'>): void {
  const { facts } = statement
  const place = statement.create ? placeFor(session, statement.name) : undefined
  const old = statement.create ? undefined : requireObject(session, statement.name)
  const database = place?.database ?? (old?.database as Database)
  const before = old?.object.sequence
  if (old !== undefined && before === undefined) throw missingObject(statement.name.join('.'))
  const resolved = statement.type === undefined ? undefined : resolveTypeName(session, statement.type)
  const type = before?.type ?? resolved?.base ?? { name: 'bigint', length: 8, precision: 19, scale: 0 }
  const edge = 10n ** BigInt(type.precision ?? 18) - 1n
  const [low, high] = LIMITS[type.name] ?? [-edge, edge]
  const increment = facts.increment ?? before?.increment ?? 1n
  const minimum = facts.minimum === null ? low : (facts.minimum ?? before?.minimum ?? low)
  const maximum = facts.maximum === null ? high : (facts.maximum ?? before?.maximum ?? high)
  const start = facts.start ?? before?.start ?? (increment > 0n ? minimum : maximum)
  if (increment === 0n)
    throw new SqlError(11700, `The increment for sequence object '${statement.name.at(-1)}' cannot be zero.`)
  if (start < minimum || start > maximum)
    throw new SqlError(
      11703,
      `The start value for sequence object '${statement.name.at(-1)}' must be between the minimum and maximum value of the sequence object.`,
    )
  const sequence: SequenceFacts = {
    type,
    userTypeId: before?.userTypeId ?? resolved?.userTypeId ?? 127,
    start,
    increment,
    minimum,
    maximum,
    cycle: facts.cycle ?? before?.cycle ?? false,
    cached: facts.cache === undefined ? (before?.cached ?? true) : facts.cache !== false,
    cacheSize:
      facts.cache === undefined ? (before?.cacheSize ?? null) : facts.cache === false ? null : facts.cache,
  }
  if (place !== undefined) {
    const object = newObject(database, {
      schemaId: place.schema.id,
      name: place.name,
      type: 'SO',
      parentId: 0,
      sequence,
    })
    change(session, database.objects, object.id, object)
    return
  }
  const object = old?.object as SqlObject
  requireAlter(session, database, object)
  change(session, database.objects, object.id, {
    ...object,
    sequence:
      facts.restart === undefined ? sequence : { ...sequence, start: facts.restart ?? sequence.start },
  })
  if (facts.restart !== undefined)
    change(session, database.sequenceValues, object.id, { value: facts.restart ?? start, used: false })
}

export function createPartitionFunction(session: SessionState, statement: Of<'partition-function'>): void {
  const { database } = session
  for (const each of database.functions.values())
    if (sameName(each.name, statement.name))
      throw new SqlError(7703, `Can not create RANGE partition function with multiple parameter types.`)
  const { base } = resolveTypeName(session, statement.type)
  const values = statement.values.map((expr): TdsValue => {
    const compiled = compile(expr, createBinder(session, true))
    return castValue(compiled.eval({ row: [], outer: undefined }), compiled.type, base)
  })
  const id = Math.max(65535, ...database.functions.keys()) + 1
  change(session, database.functions, id, {
    id,
    name: statement.name,
    right: statement.right,
    type: base,
    values,
  })
}

export function createPartitionScheme(session: SessionState, statement: Of<'partition-scheme'>): void {
  const { database } = session
  const used = [...database.functions.values()].find((each) => sameName(each.name, statement.function))
  if (used === undefined)
    throw new SqlError(7707, `The associated partition function '${statement.function}' does not exist.`)
  const spaces = statement.to.map((name) => {
    const space = [...database.dataSpaces.values()].find(
      (each) => sameName(each.name, name) && each.type === 'FG',
    )
    if (space === undefined) throw new SqlError(1921, `Invalid filegroup '${name}' specified.`)
    return space.id
  })
  const count = used.values.length + 1
  if (!statement.all && spaces.length < count)
    throw new SqlError(
      7707,
      `The associated partition function '${used.name}' generates more partitions than there are file groups mentioned in the scheme '${statement.name}'.`,
    )
  const id = Math.max(65600, ...database.dataSpaces.keys()) + 1
  const destinations = Array.from({ length: count }, (_, at) => (statement.all ? spaces[0] : spaces[at]) ?? 1)
  change(session, database.dataSpaces, id, {
    id,
    name: statement.name,
    type: 'PS',
    functionId: used.id,
    destinations,
  })
}

export function createSynonym(session: SessionState, statement: Of<'synonym'>): void {
  const { database, schema, name } = placeFor(session, statement.name)
  requireDatabasePermission(session, database, 'CREATE SYNONYM')
  const object = newObject(database, {
    schemaId: schema.id,
    name,
    type: 'SN',
    parentId: 0,
    synonym: statement.target,
  })
  change(session, database.objects, object.id, object)
}
