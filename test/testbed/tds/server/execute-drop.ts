import { requireAlter } from './execute-table.ts'
import type { Database } from './model.ts'
import { defaultSchema, requireObject, sameName, schemaByName } from './names.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

const KINDS: Readonly<Record<string, readonly string[]>> = {
  TABLE: ['U'],
  VIEW: ['V'],
  PROCEDURE: ['P'],
  PROC: ['P'],
  FUNCTION: ['FN', 'IF', 'TF'],
  TRIGGER: ['TR'],
  SEQUENCE: ['SO'],
  SYNONYM: ['SN'],
  'DATABASE TRIGGER': ['TR'],
}

export function drop(session: SessionState, statement: Of<'drop'>): void {
  for (const name of statement.names) dropOne(session, statement, name)
}

function dropOne(session: SessionState, statement: Of<'drop'>, name: readonly string[]): void {
  const { what } = statement
  const missing = () =>
    new SqlError(
      3701,
      `Cannot drop the ${what.toLowerCase()} '${name.join('.')}', because it does not exist or you do not have permission.`,
    )
  if (what === 'TYPE') {
    const { database } = session
    const schema = schemaByName(
      database,
      name.length > 1 ? (name[0] ?? '') : defaultSchema(session, database),
    )
    const type = [...database.types.values()].find(
      (each) => each.schemaId === schema?.id && sameName(each.name, name.at(-1) ?? ''),
    )
    if (type === undefined) {
      if (statement.ifExists) return
      throw new SqlError(
        218,
        `Could not find the type '${name.join('.')}'. Either it does not exist or you do not have the necessary permission.`,
      )
    }
    for (const object of database.objects.values())
      if (object.table?.columns.some((column) => column.userTypeId === type.id))
        throw new SqlError(
          3732,
          `Cannot drop type '${name.join('.')}' because it is being referenced by object '${object.name}'. There may be other objects that reference this type.`,
        )
    change(session, database.types, type.id, undefined)
    if (type.tableObjectId !== null) forget(session, database, type.tableObjectId)
    return
  }
  if (what === 'PARTITION FUNCTION' || what === 'PARTITION SCHEME') {
    const { database } = session
    const map = (what === 'PARTITION FUNCTION' ? database.functions : database.dataSpaces) as Map<
      number,
      { id: number; name: string }
    >
    const found = [...map.values()].find((each) => sameName(each.name, name[0] ?? ''))
    if (found === undefined) throw missing()
    change(session, map, found.id, undefined)
    return
  }
  const kinds = KINDS[what] ?? []
  const found =
    what === 'DATABASE TRIGGER'
      ? [...session.database.objects.values()]
          .filter((object) => object.module?.trigger?.database && sameName(object.name, name[0] ?? ''))
          .map((object) => ({ database: session.database, object }))[0]
      : safeFind(session, name)
  if (found === undefined || !kinds.includes(found.object.type)) {
    if (statement.ifExists && found === undefined) return
    throw missing()
  }
  const { database, object } = found
  requireAlter(session, database, object)
  if (object.table !== undefined) {
    if (object.table.temporal !== null || object.table.historyOf !== null)
      throw new SqlError(
        13552,
        `Drop table operation failed on table '${database.name}.${name.join('.')}' because it is not a supported operation on system-versioned temporal tables.`,
      )
    for (const other of database.objects.values())
      if (other.foreignKey?.referencedId === object.id && other.parentId !== object.id)
        throw new SqlError(
          3726,
          `Could not drop object '${name.join('.')}' because it is referenced by a FOREIGN KEY constraint.`,
        )
  }
  if (object.type === 'U' || object.type === 'V' || object.type.length === 2) {
    for (const other of database.objects.values())
      if (
        other.module?.schemaBound &&
        other.id !== object.id &&
        other.module.references.some((reference) => sameName(reference.name, object.name))
      )
        throw new SqlError(
          3729,
          `Cannot DROP ${what} '${name.join('.')}' because it is being referenced by object '${other.name}'.`,
        )
  }
  forget(session, database, object.id)
}

function safeFind(session: SessionState, name: readonly string[]) {
  try {
    return requireObject(session, name)
  } catch (thrown) {
    if (thrown instanceof SqlError && thrown.number === 208) return undefined
    throw thrown
  }
}

/** With everything that hangs on it. */
function forget(session: SessionState, database: Database, id: number): void {
  for (const other of [...database.objects.values()])
    if (other.parentId === id) forget(session, database, other.id)
  for (const [key, permission] of [...database.permissions])
    if (permission.class === 1 && permission.majorId === id)
      change(session, database.permissions, key, undefined)
  for (const [key, property] of [...database.properties])
    if ((property.class === 1 || property.class === 7) && property.majorId === id)
      change(session, database.properties, key, undefined)
  change(session, database.objects, id, undefined)
  if (database.data.has(id)) change(session, database.data, id, undefined)
}
