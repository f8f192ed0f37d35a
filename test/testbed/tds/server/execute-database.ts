import type { Database, DatabaseOptions } from './model.ts'
import { findDatabase, sameName } from './names.ts'
import { newDatabase, OPTIONS } from './new-database.ts'
import { isOwner } from './permissions.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'

type Of<K> = Extract<StatementBody, { kind: K }>
const SYSTEM = ['master', 'tempdb', 'model', 'msdb']

export function createDatabase(session: SessionState, statement: Of<'create-database'>): void {
  const { server } = session
  if (session.trancount > 0)
    throw new SqlError(226, 'CREATE DATABASE statement not allowed within multi-statement transaction.')
  if (!session.login.sysadmin && !session.login.serverRoles.includes('dbcreator'))
    throw new SqlError(262, `CREATE DATABASE permission denied in database 'master'.`)
  if (server.databases.has(statement.name.toLowerCase()))
    throw new SqlError(1801, `Database '${statement.name}' already exists. Choose a different database name.`)
  const collation = statement.collation ?? server.facts.collation
  if (!/^[A-Za-z0-9]+_[A-Za-z0-9_]+$/.test(collation))
    throw new SqlError(448, `Invalid collation '${collation}'.`)
  server.nextDatabaseId += 1
  server.databases.set(
    statement.name.toLowerCase(),
    newDatabase(server.nextDatabaseId, statement.name, session.login.name, { ...OPTIONS, collation }),
  )
}

export function dropDatabase(session: SessionState, statement: Of<'drop-database'>): void {
  if (session.trancount > 0)
    throw new SqlError(226, 'DROP DATABASE statement not allowed within multi-statement transaction.')
  for (const name of statement.names) {
    const found = session.server.databases.get(name.toLowerCase())
    const missing = new SqlError(
      3701,
      `Cannot drop the database '${name}', because it does not exist or you do not have permission.`,
    )
    if (found === undefined) {
      if (statement.ifExists) continue
      throw missing
    }
    if (SYSTEM.includes(found.name))
      throw new SqlError(3708, `Cannot drop the database '${name}' because it is a system database.`)
    if (!isOwner(session, found)) throw missing
    for (const other of session.server.sessions)
      if (other.database === found)
        throw new SqlError(3702, `Cannot drop database "${name}" because it is currently in use.`)
    session.server.databases.delete(name.toLowerCase())
  }
}

const COMPATIBILITY = new Set([100, 110, 120, 130, 140, 150, 160])

export function alterDatabase(session: SessionState, statement: Of<'alter-database'>): void {
  const database: Database =
    statement.name === 'CURRENT' ? session.database : findDatabase(session, statement.name)
  if (!isOwner(session, database))
    throw new SqlError(
      5011,
      `User does not have permission to alter database '${database.name}', the database does not exist, or the database is not in a state that allows access checks.`,
      { severity: 14 },
    )
  let options = database.options.get('options') as DatabaseOptions
  if (statement.collation !== undefined) options = { ...options, collation: statement.collation }
  if (statement.rename !== undefined)
    throw new SqlError(50999, 'The test server does not play ALTER DATABASE MODIFY NAME.')
  for (const { name, value } of statement.options) {
    const on = value === 'ON'
    switch (name) {
      case 'ALLOW_SNAPSHOT_ISOLATION':
        options = { ...options, snapshotIsolation: on }
        break
      case 'READ_COMMITTED_SNAPSHOT':
        options = { ...options, readCommittedSnapshot: on }
        break
      case 'COMPATIBILITY_LEVEL':
        if (!COMPATIBILITY.has(Number(value)))
          throw new SqlError(
            15048,
            'Valid values of the database compatibility level are 100, 110, 120, 130, 140, 150 or 160.',
          )
        options = { ...options, compatibility: Number(value) }
        break
      case 'RECOVERY':
        options = { ...options, recovery: value }
        break
      case 'READ_ONLY':
      case 'READ_WRITE':
        // It waits until nobody else is in the database; WITH ROLLBACK IMMEDIATE sends them away.
        if (!statement.immediate && othersIn(session, database).length > 0)
          throw new SqlError(50999, 'The test server does not wait for the others to leave.')
        for (const other of othersIn(session, database)) other.kill.abort()
        options = { ...options, readOnly: name === 'READ_ONLY' }
        break
      case 'ONLINE':
      case 'OFFLINE':
        options = { ...options, state: name }
        break
      case 'SINGLE_USER':
      case 'MULTI_USER':
      case 'RESTRICTED_USER':
        if (name === 'SINGLE_USER')
          for (const other of session.server.sessions)
            if (other !== session && other.database === database) other.kill.abort()
        options = { ...options, userAccess: name }
        break
      case 'ANSI_NULLS':
      case 'QUOTED_IDENTIFIER':
      case 'AUTO_CLOSE':
      case 'AUTO_SHRINK':
      case 'AUTO_CREATE_STATISTICS':
      case 'AUTO_UPDATE_STATISTICS':
      case 'PAGE_VERIFY':
        break
      default:
        throw new SqlError(102, `Incorrect syntax near '${name}'.`)
    }
  }
  database.options.set('options', options)
}

function othersIn(session: SessionState, database: Database): SessionState[] {
  return [...session.server.sessions].filter((other) => other !== session && other.database === database)
}

export const isSystemDatabase = (name: string) => SYSTEM.some((each) => sameName(each, name))
