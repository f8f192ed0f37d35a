import * as gate from '../../../src/engines/oracle/gate-statements.ts'
import { assertName } from './database.ts'
import { type Given, type Row, text } from './dispatch.ts'
import { OraError } from './ora-error.ts'
import type { Session } from './server.ts'

/** Views that only SELECT_CATALOG_ROLE, and the roles that have it, open. */
function needCatalog({ database }: Session): void {
  if (![...database.roles].some((role) => /DBA|FULL_DATABASE|SELECT_CATALOG_ROLE/.test(role)))
    throw new OraError(942, 'table or view does not exist')
}

function needPrivilege({ database }: Session, privilege: string): void {
  if (!database.roles.has('DBA') && !database.privileges.has(privilege))
    throw new OraError(1031, 'insufficient privileges')
}

function needWrites({ database }: Session): void {
  if (database.openMode !== 'READ WRITE')
    throw new OraError(16000, 'database or pluggable database open for read-only access')
}

export const GATE_QUERIES: readonly (readonly [string, (session: Session) => readonly Row[]])[] = [
  [
    gate.READ_OPEN_MODES,
    (session) => {
      needCatalog(session)
      return [{ mode: session.database.openMode }]
    },
  ],
  [
    gate.READ_GATE_ACCOUNTS,
    (session) => {
      needCatalog(session)
      const { schemas, accounts } = session.database
      return [...schemas].flatMap(([name, { maintained }]) =>
        maintained
          ? []
          : [{ name, status: accounts.statusOf(name), common: name.startsWith('C##') ? 'YES' : 'NO' }],
      )
    },
  ],
  [
    gate.READ_OTHER_SESSIONS,
    (session) => {
      needCatalog(session)
      return session.server.others(session).map(({ sid, serial, user }) => ({
        ...{ sid: String(sid), serial: String(serial), instance: '1', account: user },
      }))
    },
  ],
]

function alter(session: Session, given: Given, status: string): Given {
  const name = assertName(given.p_account)
  needPrivilege(session, 'ALTER USER')
  needWrites(session)
  const { schemas, accounts, container } = session.database
  if (!schemas.has(name)) throw new OraError(1918, `user '${name}' does not exist`)
  if (name.startsWith('C##') && container !== 'CDB$ROOT')
    throw new OraError(65066, 'The specified changes must apply to all containers')
  accounts.setStatus(name, status)
  return {}
}

export const GATE_BLOCKS: readonly (readonly [string, (session: Session, given: Given) => Given])[] = [
  [gate.LOCK_ACCOUNT, (session, given) => alter(session, given, 'LOCKED')],
  [gate.UNLOCK_ACCOUNT, (session, given) => alter(session, given, 'OPEN')],
  [
    gate.END_SESSION,
    (session, given) => {
      if (session.database.schemas.has('RDSADMIN')) throw new OraError(1031, 'insufficient privileges')
      needPrivilege(session, 'ALTER SYSTEM')
      const [, sid, serial] = /^(\d+),(\d+),@1$/.exec(text(given.p_session)) ?? []
      if (sid === undefined) throw new OraError(26, 'missing or invalid session ID')
      session.server.kill(Number(sid), Number(serial))
      return {}
    },
  ],
  [
    gate.END_SESSION_ON_RDS,
    (session, given) => {
      if (!session.database.schemas.has('RDSADMIN'))
        throw new OraError(6550, "PLS-00201: identifier 'RDSADMIN.RDSADMIN_UTIL' must be declared")
      session.server.kill(Number(given.p_sid), Number(given.p_serial))
      return {}
    },
  ],
  [
    gate.WRITE_SCRATCH,
    (session, given) => {
      const name = assertName(given.p_table)
      needPrivilege(session, 'CREATE TABLE')
      needWrites(session)
      session.database.write(session.user, name, ['42'])
      const [row] = session.database.rows(session.user, name)
      session.database.schemas.get(session.user)?.tables.delete(name)
      return { p_read: Number(row) }
    },
  ],
]
