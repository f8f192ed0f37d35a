import { type AccountList, accountList } from '../../core/accounts.ts'
import { LifeboatError } from '../../core/errors.ts'
import {
  READ_ACCOUNTS,
  READ_COLUMN_GRANTS,
  READ_MADE_ROLES,
  READ_OBJECT_GRANTS,
  READ_PROXIES,
  READ_QUOTAS,
  READ_ROLE_GRANTS,
  READ_SYSTEM_GRANTS,
} from './account-statements.ts'
import type { OracleConnection, OracleRow } from './connection.ts'
import { READ_OBJECT_OWNERS } from './dictionary-statements.ts'
import { quoteName } from './quote.ts'
import { queryIfAllowed, readServerFacts, text } from './server-facts.ts'
import { isTaken } from './survey.ts'

type Right = readonly [name: string, right: string]

/** Roles that RDS makes in every instance. */
const PROVIDERS_ROLES = /^(RDS_|RDS\$|RDSADMIN)/

/** Accounts that a dump takes, all roles that are not Oracle's, and PUBLIC. */
export async function readAccounts(connection: OracleConnection, signal: AbortSignal): Promise<AccountList> {
  const facts = await readServerFacts(connection, signal)
  const read = async (sql: string, view: string) =>
    (await queryIfAllowed(connection, sql, signal)) ?? refuse(view, facts.user)
  const owners = new Set(
    (await connection.query(READ_OBJECT_OWNERS, {}, signal)).map((row) => text(row.owner)),
  )
  const taken = new Set(facts.users.filter((name) => isTaken(name, owners)))
  const users = (await read(READ_ACCOUNTS, 'DBA_USERS')).filter((row) => taken.has(text(row.name)))
  const roles = (await read(READ_MADE_ROLES, 'DBA_ROLES')).filter(
    (row) => !(facts.rds && PROVIDERS_ROLES.test(text(row.name))),
  )
  return accountList(
    ['PUBLIC', ...[...users, ...roles].map((row) => text(row.name))],
    [
      ...users.flatMap(attributesOf),
      ...roles.flatMap((row) => wayIn(row, 'NONE')),
      ...(await read(READ_ROLE_GRANTS, 'DBA_ROLE_PRIVS')).flatMap(roleRights),
      ...(await read(READ_SYSTEM_GRANTS, 'DBA_SYS_PRIVS')).flatMap((row) =>
        withOption(row, text(row.privilege), 'admin'),
      ),
      ...(await read(READ_OBJECT_GRANTS, 'DBA_TAB_PRIVS')).flatMap(objectRights),
      ...(await read(READ_COLUMN_GRANTS, 'DBA_COL_PRIVS')).flatMap(objectRights),
      ...(await read(READ_QUOTAS, 'DBA_TS_QUOTAS')).map(quotaRight),
      ...(await read(READ_PROXIES, 'DBA_PROXIES')).map(
        (row): Right => [text(row.proxy), `may become ${quoteName(text(row.client))}`],
      ),
    ],
  )
}

/** Half of the views would make of every right a missing one, or of none. */
function refuse(view: string, user: string): never {
  throw new LifeboatError('unsupported', `unable to read accounts: ${user} may not see ${view}`, {
    hint: `Run GRANT SELECT_CATALOG_ROLE TO ${quoteName(user)}, or log in as the master user.`,
  })
}

function attributesOf(row: OracleRow): readonly Right[] {
  const name = text(row.name)
  // `EXPIRED(GRACE)` and `OPEN & IN ROLLOVER` get in; `LOCKED(TIMED)` will, and does not now.
  const isOpen = !/LOCKED|EXPIRED(?!\(GRACE\))/.test(text(row.status))
  return [
    ...(isOpen ? [[name, 'may log in'] as const] : []),
    ...wayIn(row, ''),
    [name, `profile ${quoteName(text(row.profile))}`],
  ]
}

function wayIn(row: OracleRow, usual: string): readonly Right[] {
  const how = text(row.authentication)
  return how === '' || how === usual ? [] : [[text(row.name), `by ${how.toLowerCase()}`]]
}

function roleRights(row: OracleRow): readonly Right[] {
  const role = quoteName(text(row.role))
  return [
    ...withOption(row, `role ${role}`, 'admin'),
    ...(row.byDefault === 'YES' ? [[text(row.grantee), `default role ${role}`] as const] : []),
  ]
}

function objectRights(row: OracleRow): readonly Right[] {
  const column = row.column === undefined ? '' : ` (${quoteName(text(row.column))})`
  const object = `${quoteName(text(row.owner))}.${quoteName(text(row.object))}`
  return withOption(row, `${text(row.privilege)}${column} ON ${object}`, 'grantable')
}

function withOption(row: OracleRow, right: string, option: string): readonly Right[] {
  const grantee = text(row.grantee)
  return [[grantee, right], ...(row[option] === 'YES' ? [[grantee, `may grant ${right}`] as const] : [])]
}

function quotaRight(row: OracleRow): Right {
  const bytes = text(row.bytes)
  const most = bytes === '-1' ? 'unlimited' : `of ${bytes} bytes`
  return [text(row.grantee), `quota ${most} in ${quoteName(text(row.tablespace))}`]
}
