import { firstValue } from './privileges.ts'
import type { Account } from './quote.ts'
import { quoteAccount } from './quote.ts'
import { errorNumber, type Session } from './server-access.ts'
import { cutClauses } from './sql-clauses.ts'
import { isAtLeast, type ServerVersion } from './version.ts'

/** Made by the servers and the providers themselves: each has its own. */
const SYSTEM_ACCOUNTS = new Set([
  'mysql.sys',
  'mysql.session',
  'mysql.infoschema',
  'mariadb.sys',
  'rdsadmin',
  'rdsrepladmin',
  'rdsproxyadmin',
  'rds_superuser_role',
  'AWS_LAMBDA_ACCESS',
  'AWS_LOAD_S3_ACCESS',
  'AWS_SELECT_S3_ACCESS',
  'AWS_COMPREHEND_ACCESS',
  'AWS_SAGEMAKER_ACCESS',
  'AWS_BEDROCK_ACCESS',
])

export interface AccountList {
  readonly accounts: readonly Account[]
  /** MariaDB's: MySQL's roles are accounts. */
  readonly roles: readonly Account[]
}

/** All accounts but the provider's own; on a managed server also without the one that asks, which is the master user. */
export async function listAccounts(
  session: Session,
  server: ServerVersion,
  managed: boolean,
): Promise<AccountList> {
  const isMaria = server.flavour === 'MariaDB'
  const rows = await session.query(
    isMaria
      ? "SELECT User AS user, Host AS host, is_role = 'Y' AS role FROM mysql.user ORDER BY User, Host"
      : 'SELECT User AS user, Host AS host, 0 AS role FROM mysql.user ORDER BY User, Host',
  )
  const [self] = await session.query('SELECT CURRENT_USER() AS account')
  const kept = rows.filter(
    (row) =>
      !SYSTEM_ACCOUNTS.has(String(row.user)) &&
      !(managed && `${row.user}@${row.host}` === String(self?.account)),
  )
  const read = (isRole: boolean) =>
    kept
      .filter((row) => (Number(row.role) === 1) === isRole)
      .map((row) => ({ user: String(row.user), host: isRole ? '' : String(row.host) }))
  return { accounts: read(false), roles: read(true) }
}

/**
 * The accounts as a script that stock clients run: first all that creates, then all that grants, so that roles and
 * definers exist before they are named. Marks between them (comments) say which account follows. What the server
 * itself can't show goes to `unreadable`.
 */
export async function* dumpAccounts(
  session: Session,
  server: ServerVersion,
  managed: boolean,
  unreadable: Account[],
): AsyncGenerator<Uint8Array> {
  const { accounts, roles } = await listAccounts(session, server, managed)
  await showHashesAsHex(session, server)
  yield line(`-- lifeboat accounts 1: of ${server.flavour} ${server.text}`)
  const later: string[] = []
  for (const role of roles) {
    // Every MariaDB from 10.11 has PUBLIC by itself.
    if (role.user.toUpperCase() === 'PUBLIC') continue
    yield line(mark('create', role))
    yield line(`CREATE ROLE IF NOT EXISTS ${quoteAccount(role)};`)
  }
  for (const account of accounts) {
    const rows = await showCreateUser(session, account)
    if (rows === undefined) {
      unreadable.push(account)
      continue
    }
    yield line(mark('create', account))
    for (const row of rows) {
      const { text, defaultRole } = createStatement(row)
      yield line(`${text};`)
      if (defaultRole !== undefined) {
        later.push(mark('grant', account), `SET DEFAULT ROLE ${defaultRole} TO ${quoteAccount(account)};`)
      }
    }
  }
  for (const account of [...roles, ...accounts]) {
    if (unreadable.includes(account)) continue
    const grants = await showGrants(session, account)
    if (grants.length === 0) continue
    yield line(mark('grant', account))
    for (const grant of grants) yield line(`${grant};`)
  }
  for (const statement of later) yield line(statement)
  yield line(END_MARK)
}

/** Hashes of caching_sha2_password hold raw bytes, which no text of SQL can carry safely. */
export async function showHashesAsHex(session: Session, server: ServerVersion): Promise<void> {
  if (server.flavour === 'MySQL' && isAtLeast(server.numbers, [8, 0, 17])) {
    await session.query('SET SESSION print_identified_with_as_hex = ON')
  }
}

/** What a row of SHOW CREATE USER becomes in the script. */
export function createStatement(row: string): {
  readonly text: string
  readonly defaultRole: string | undefined
} {
  const { text, defaultRole } = cutClauses(row)
  return { text: text.replace(/^CREATE USER /, 'CREATE USER IF NOT EXISTS '), defaultRole }
}

/** A MariaDB with skip_name_resolve, as on RDS, ignores accounts with a host name: it lists them but can't show them. */
export async function showCreateUser(
  session: Session,
  account: Account,
): Promise<readonly string[] | undefined> {
  try {
    return (await session.query(`SHOW CREATE USER ${quoteAccount(account)}`)).map(firstValue)
  } catch (thrown) {
    if (errorNumber(thrown) === 1133) return undefined
    throw thrown
  }
}

export const END_MARK = '-- lifeboat accounts end'

export async function showGrants(session: Session, account: Account): Promise<readonly string[]> {
  try {
    const rows = await session.query(`SHOW GRANTS FOR ${quoteAccount(account)}`)
    return rows.map((row) => plainGrant(firstValue(row), account)).filter((grant) => grant !== undefined)
  } catch (thrown) {
    // ER_NONEXISTING_GRANT: an account that was made, but never granted anything at all.
    if (errorNumber(thrown) === 1141) return []
    throw thrown
  }
}

/**
 * MariaDB repeats password and limits in the first grant; they belong to CREATE USER. For a role it also lists the
 * grants of the roles that it was granted. USAGE is what everybody has.
 */
export function plainGrant(grant: string, account: Account): string | undefined {
  if (!/^GRANT /.test(grant)) return grant
  const [grantee, quotedGrantee] = [quoteAccount(account), `'${account.user}'@'${account.host}'`]
  const at = Math.max(grant.lastIndexOf(` TO ${grantee}`), grant.lastIndexOf(` TO ${quotedGrantee}`))
  if (at === -1) return undefined
  const end = at + 4 + (grant.startsWith(grantee, at + 4) ? grantee.length : quotedGrantee.length)
  const rest = grant.slice(end)
  if (account.host === '' && /^@/.test(rest)) return undefined
  const outside = rest.replace(/'(?:[^'\\]|\\.|'')*'/g, "''")
  const suffix = /WITH .*\bGRANT OPTION\b/.test(outside)
    ? ' WITH GRANT OPTION'
    : /WITH ADMIN OPTION/.test(outside)
      ? ' WITH ADMIN OPTION'
      : ''
  if (suffix === '' && /^GRANT USAGE ON \*\.\* TO /.test(grant)) return undefined
  return `${grant.slice(0, end)}${suffix}`
}

function mark(kind: 'create' | 'grant', account: Account): string {
  return `-- lifeboat ${JSON.stringify({ [kind]: [account.user, account.host] })}`
}

function line(text: string): Uint8Array {
  return Buffer.from(`${text}\n`, 'utf8')
}
