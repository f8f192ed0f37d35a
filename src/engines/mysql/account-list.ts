import { type AccountList, accountList } from '../../core/accounts.ts'
import { listAccounts, showCreateUser, showGrants, showHashesAsHex } from './accounts-dump.ts'
import { readServer } from './inventory.ts'
import { type Account, quoteAccount } from './quote.ts'
import type { Session } from './server-access.ts'
import { type BareStatement, cutClauses, withoutQuoted } from './sql-clauses.ts'

/** The same accounts as a dump takes, right by right. */
export async function readAccounts(session: Session): Promise<AccountList> {
  const { server, managed } = await readServer(session)
  const { accounts, roles } = await listAccounts(session, server, managed)
  await showHashesAsHex(session, server)
  const names: string[] = []
  const rights: (readonly [string, string])[] = []
  for (const account of [...roles, ...accounts]) {
    const name = account.host === '' ? account.user : `${account.user}@${account.host}`
    const created = account.host === '' ? [] : await showCreateUser(session, account)
    names.push(name)
    // Under skip_name_resolve an account with a host name is there, and nobody can be it: it may do nothing.
    if (created === undefined) continue
    for (const row of created) for (const right of attributesOf(row)) rights.push([name, right])
    for (const grant of await showGrants(session, account))
      for (const right of rightsOf(grant, account)) rights.push([name, right])
  }
  return accountList(names, rights)
}

/** What a row of SHOW CREATE USER says, but for the hash of the password. */
export function attributesOf(row: string): readonly string[] {
  if (!row.startsWith('CREATE USER ')) return []
  const { text, defaultRole } = cutClauses(row)
  const statement = withoutQuoted(text)
  const { bare, whole } = statement
  const requires =
    / REQUIRE ((?:(?!NONE\b)[A-Z\d]+(?: «\d+»)?(?: AND)? ?)+?)(?= WITH | ACCOUNT | PASSWORD |$)/
  const limits = / WITH ((?:MAX_[A-Z_]+ \d+(?:\.\d+)? ?)+)/.exec(bare)?.[1]
  const required = requires.exec(bare)?.[1]
  return [
    ...(/ ACCOUNT LOCK\b/.test(bare) ? [] : ['may log in']),
    ...pluginsOf(statement),
    ...(required === undefined ? [] : [`REQUIRE ${whole(required).trim()}`]),
    ...(limits?.trim().split(/ (?=MAX_)/) ?? []),
    ...(defaultRole === undefined ? [] : [`default role ${defaultRole}`]),
  ]
}

/** MySQL: `IDENTIFIED WITH 'plugin' AS 'hash'`; MariaDB: `IDENTIFIED BY PASSWORD 'hash'`, `IDENTIFIED VIA plugin USING 'hash' OR …`. */
function pluginsOf({ bare, whole }: BareStatement): readonly string[] {
  const [, how] = / IDENTIFIED (.+?)(?= REQUIRE | WITH MAX_| ACCOUNT | PASSWORD (?!«)|$)/.exec(bare) ?? []
  if (how === undefined) return ['no password']
  if (how.startsWith('BY ')) return ['password by mysql_native_password']
  return how.split(/ OR | AND IDENTIFIED /).map((each) => {
    const plugin = whole(/^(?:VIA |WITH )?(«\d+»|\w+)/.exec(each)?.[1] ?? '').replace(/^['`]|['`]$/g, '')
    return / (?:AS|USING) /.test(each) ? `password by ${plugin}` : `no password, by ${plugin}`
  })
}

/** One for each privilege, so that what is missing can be named: servers of other versions list them in other lines. */
export function rightsOf(grant: string, account: Account): readonly string[] {
  if (!/^GRANT /.test(grant)) return [grant]
  const grantees = [quoteAccount(account), `'${account.user}'@'${account.host}'`]
  const at = Math.max(...grantees.map((grantee) => grant.lastIndexOf(` TO ${grantee}`)))
  const { bare, whole } = withoutQuoted(grant.slice('GRANT '.length, at))
  const on = bare.lastIndexOf(' ON ')
  const more = / WITH (GRANT|ADMIN) OPTION$/.exec(grant.slice(at))?.[1]
  if (on === -1) {
    const roles = bare.split(/,\s*/).map(whole)
    return roles.flatMap((role) => [
      `role ${role}`,
      ...(more === undefined ? [] : [`ADMIN OPTION of ${role}`]),
    ])
  }
  const object = whole(bare.slice(on + 4))
  const privileges = bare.slice(0, on).split(/,\s*(?![^(]*\))/)
  return [
    ...privileges.filter((name) => name !== 'USAGE'),
    ...(more === undefined ? [] : ['GRANT OPTION']),
  ].map((privilege) => `${whole(privilege)} ON ${object}`)
}
