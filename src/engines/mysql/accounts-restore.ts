import { messageOf } from '../../core/errors.ts'
import { createStatement, showCreateUser, showGrants, showHashesAsHex } from './accounts-dump.ts'
import { cutToLength } from './excerpt.ts'
import { type Account, quoteAccount } from './quote.ts'
import { errorNumber, type Session } from './server-access.ts'
import { editOutsideQuotes } from './sql-clauses.ts'
import { findStatementEnd } from './statement-end.ts'
import type { ServerVersion } from './version.ts'

export interface AccountStatement {
  readonly kind: 'create' | 'grant'
  readonly account: Account
  readonly sql: string
}

export interface AccountReport {
  readonly restored: string[]
  readonly notRestored: { what: string; reason: string }[]
}

/** Reads the script that dumpAccounts writes. */
export function parseAccounts(script: Buffer): readonly AccountStatement[] {
  const statements: AccountStatement[] = []
  let current: { kind: 'create' | 'grant'; account: Account } | undefined
  let at = 0
  while (at < script.length) {
    if ((script[at] as number) <= 0x20) {
      at += 1
    } else if (script.toString('latin1', at, at + 2) === '--') {
      const newline = script.indexOf(0x0a, at)
      const end = newline === -1 ? script.length : newline
      const text = /^-- lifeboat (\{.*\})$/.exec(script.toString('utf8', at, end))?.[1]
      if (text !== undefined) current = readMark(text)
      at = end
    } else {
      const end = findStatementEnd(script, at, { delimiter: ';', backslashEscapes: true }) ?? script.length
      if (current !== undefined) {
        statements.push({ ...current, sql: script.toString('utf8', at, end).replace(/;$/, '') })
      }
      at = end
    }
  }
  return statements
}

function readMark(text: string): { kind: 'create' | 'grant'; account: Account } | undefined {
  const mark = JSON.parse(text) as Partial<Record<'create' | 'grant', [string, string]>>
  for (const kind of ['create', 'grant'] as const) {
    const names = mark[kind]
    if (names !== undefined) return { kind, account: { user: names[0], host: names[1] } }
  }
  return undefined
}

export interface AccountsToCreate {
  readonly server: ServerVersion
  readonly statements: readonly AccountStatement[]
  readonly translate: (sql: string) => string
  /** Accounts that are there get their grants again. */
  readonly grantsAgain: boolean
}

export interface CreatedAccounts {
  /** Names, as they are quoted, of what was there before and left alone. */
  readonly left: ReadonlySet<string>
  readonly roles: readonly Account[]
}

/**
 * Creates the accounts that are not there. What is there stays as it is, always: whoever may log in to the target is
 * not ours to change. Failures are reported one by one, since the data matter more.
 */
export async function createAccounts(
  session: Session,
  given: AccountsToCreate,
  report: AccountReport,
): Promise<CreatedAccounts> {
  const { server, statements, translate } = given
  await showHashesAsHex(session, server)
  const rows = await session.query('SELECT User AS user, Host AS host FROM mysql.user')
  const existing = new Set(
    rows.map((row) => quoteAccount({ user: String(row.user), host: String(row.host) })),
  )
  const [self] = await session.query('SELECT CURRENT_USER() AS account')
  const ours = String(self?.account)
  const left = new Set<string>()
  const roles: Account[] = []
  const identical: string[] = []
  for (const { kind, account, sql } of statements) {
    if (kind !== 'create') continue
    const name = quoteAccount(account)
    const reason = reasonToLeave(account, existing.has(name), ours)
    if (reason !== undefined) {
      left.add(name)
      const granted = given.grantsAgain && `${account.user}@${account.host}` !== ours
      const grants = granted ? [] : grantsFor(statements, name)
      if (existing.has(name) && (await isIdentical(session, account, translate(sql), grants))) {
        identical.push(name)
      } else report.notRestored.push({ what: `account ${name}`, reason })
      continue
    }
    try {
      await session.query(translate(sql))
      report.restored.push(`account ${name}`)
      if (account.host === '') roles.push(account)
    } catch (thrown) {
      report.notRestored.push({ what: `account ${name}`, reason: messageOf(thrown) })
    }
  }
  if (identical.length > 0) {
    report.restored.push(
      `accounts that were there already, the same as in the backup: ${identical.join(', ')}`,
    )
  }
  return { left, roles }
}

function grantsFor(statements: readonly AccountStatement[], name: string): readonly string[] {
  return statements
    .filter(({ kind, account }) => kind === 'grant' && quoteAccount(account) === name)
    .map(({ sql }) => sql)
}

/** With the same password, limits and TLS, and all the grants: there is nothing to restore. A role has but its name. */
async function isIdentical(
  session: Session,
  account: Account,
  sql: string,
  grants: readonly string[],
): Promise<boolean> {
  const held = grants.length === 0 ? [] : await grantsOf(session, account)
  if (!grants.every((grant) => held.includes(grant))) return false
  if (account.host === '') return true
  try {
    const rows = await showCreateUser(session, account)
    return rows?.some((row) => createStatement(row).text === sql) === true
  } catch (thrown) {
    // Who may not look at it can't say that it is the same.
    if (errorNumber(thrown) !== undefined) return false
    throw thrown
  }
}

/**
 * MariaDB makes whoever creates a role its administrator, who then holds all that it may do. That was needed to grant
 * the role; it is taken back, or said.
 */
export async function leaveRoles(
  session: Session,
  roles: readonly Account[],
  warnings: string[],
): Promise<void> {
  const [self] = await session.query('SELECT CURRENT_USER() AS account')
  const ours = String(self?.account)
  const at = ours.lastIndexOf('@')
  const account = quoteAccount({ user: ours.slice(0, at), host: ours.slice(at + 1) })
  for (const role of roles) {
    try {
      await session.query(`REVOKE ${quoteAccount(role)} FROM ${account}`)
    } catch (thrown) {
      warnings.push(
        `${account} became administrator of role ${quoteAccount(role)} by creating it: ${messageOf(thrown)}`,
      )
    }
  }
}

/** The servers match the most specific host first: another host of our own user, or an anonymous account, would shadow ours. */
function reasonToLeave(account: Account, exists: boolean, ours: string): string | undefined {
  if (`${account.user}@${account.host}` === ours) return 'it is the one that this restore logs in with'
  if (exists) return 'it exists already and was left as it is'
  if (account.host === '') return undefined
  if (account.user === '') return 'an anonymous account could lock out the one that this restore logs in with'
  if (account.user === ours.slice(0, ours.lastIndexOf('@'))) {
    return 'it has the user name that this restore logs in with, and could lock that out'
  }
  return undefined
}

/**
 * Grants what can be granted, and returns what could not: before the data that is what names a table or a routine,
 * after it what the target forbids. Accounts that were there before get nothing, but on a repetition.
 */
export async function grantAll(
  session: Session,
  statements: readonly AccountStatement[],
  allowed: (account: string) => boolean,
  report: AccountReport,
): Promise<readonly AccountStatement[]> {
  const [self] = await session.query('SELECT CURRENT_USER() AS account')
  const failed: AccountStatement[] = []
  const held = new Map<string, readonly string[]>()
  for (const statement of statements) {
    const { kind, account, sql } = statement
    const name = quoteAccount(account)
    if (kind !== 'grant' || `${account.user}@${account.host}` === String(self?.account) || !allowed(name))
      continue
    // What it holds need not be granted again, perhaps by who could not: GRANT PROXY of root, for one.
    const grants = held.get(name) ?? (await grantsOf(session, account))
    held.set(name, grants)
    if (grants.includes(sql)) continue
    const failures = report.notRestored.length
    await grant(session, sql, name, report)
    if (report.notRestored.length > failures) failed.push(statement)
  }
  return failed
}

async function grantsOf(session: Session, account: Account): Promise<readonly string[]> {
  try {
    return await showGrants(session, account)
  } catch (thrown) {
    // It could not be created, or may not be looked at: what is granted then says why not.
    if (errorNumber(thrown) !== undefined) return []
    throw thrown
  }
}

async function grant(session: Session, sql: string, name: string, report: AccountReport): Promise<void> {
  try {
    await session.query(sql)
  } catch (thrown) {
    const several = /^(GRANT )([A-Z][A-Z_ ]*(?:, ?[A-Z][A-Z_ ]*)+)( ON .*)$/s.exec(sql)
    if (several === null) {
      report.notRestored.push({ what: `${cutToLength(sql, 120)} (of ${name})`, reason: messageOf(thrown) })
      return
    }
    // One privilege that the target's provider forbids must not cost all the others.
    for (const privilege of (several[2] ?? '').split(/, ?/)) {
      await grant(session, `${several[1]}${privilege}${several[3]}`, name, report)
    }
  }
}

/** A CREATE USER of the other vendor: only what both know can be carried over. */
export function translateAccount(sql: string, from: string, to: string): string {
  if (from === to) return sql
  if (to === 'MySQL') {
    return editOutsideQuotes(sql, (bare) =>
      bare
        .replace(/IDENTIFIED BY PASSWORD (\S+)/, "IDENTIFIED WITH 'mysql_native_password' AS $1")
        .replace(
          /IDENTIFIED VIA mysql_native_password USING (\S+)/,
          "IDENTIFIED WITH 'mysql_native_password' AS $1",
        ),
    )
  }
  return editOutsideQuotes(
    sql.replace(/IDENTIFIED WITH ['`]mysql_native_password['`] AS /, 'IDENTIFIED BY PASSWORD '),
    (bare) =>
      bare
        .replace(/ PASSWORD HISTORY (?:DEFAULT|\d+)/, '')
        .replace(/ PASSWORD REUSE INTERVAL (?:DEFAULT|\d+ DAY)/, '')
        .replace(/ PASSWORD REQUIRE CURRENT(?: DEFAULT| OPTIONAL)?/, '')
        .replace(/ FAILED_LOGIN_ATTEMPTS \d+/, '')
        .replace(/ PASSWORD_LOCK_TIME (?:\d+|UNBOUNDED)/, '')
        .replace(/ (?:ATTRIBUTE|COMMENT) \S+/, '')
        .replace(/ PASSWORD EXPIRE DEFAULT/, '')
        .replace(/ ACCOUNT UNLOCK/, ''),
  )
}
