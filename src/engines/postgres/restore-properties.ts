import { type Connection, connect } from './connection.ts'
import { type DatabaseFacts, type DatabasePrivilege, readDatabasePrivileges } from './database-facts.ts'
import { codeOf } from './failures.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { RestoreSetting } from './restore.ts'
import { reasonOf } from './restore-globals.ts'

/** Its tablespace is part of the archive's CREATE DATABASE: --no-tablespaces does not take it out (seen with 15). */
export function createStatement(
  facts: DatabaseFacts,
  { ownerless, targetMajor }: { readonly ownerless: boolean; readonly targetMajor: number },
): string {
  const { name, owner, encoding, collate, ctype, provider, locale, icuRules } = facts
  const text = (option: string, value: string | null) =>
    value === null ? [] : [`${option} ${quoteLiteral(value)}`]
  return [
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`,
    ...(ownerless ? [] : [`OWNER ${quoteIdentifier(owner)}`]),
    ...text('ENCODING', encoding),
    ...text('LC_COLLATE', collate),
    ...text('LC_CTYPE', ctype),
    // Said even where it is the usual one: the target's template0 may have another.
    ...(provider === 'c' && targetMajor >= 15 ? ['LOCALE_PROVIDER libc'] : []),
    ...(provider === 'i' ? ['LOCALE_PROVIDER icu', ...text('ICU_LOCALE', locale)] : []),
    ...(provider === 'i' ? text('ICU_RULES', icuRules) : []),
    ...(provider === 'b' ? ['LOCALE_PROVIDER builtin', ...text('BUILTIN_LOCALE', locale)] : []),
  ].join(' ')
}

/** Their values are lists of names already quoted: src/bin/pg_dump/dumputils.c, variable_is_guc_list_quote. */
const LISTS = new Set([
  ...['local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries'],
  ...['temp_tablespaces', 'unix_socket_directories', 'restrict_nonsystem_relation_kind'],
])

interface Step {
  readonly sql: string
  /** For the report, where the target refuses it. */
  readonly what: string
}

/**
 * What belongs to the database itself, pg_restore sets only where it creates it: here for `postgres`, and for what had
 * to be made without its tablespace. What the target refuses is reported: the data are there.
 */
export async function applyProperties(
  facts: DatabaseFacts,
  { server, options, log }: RestoreSetting,
  signal: AbortSignal,
): Promise<void> {
  await using connection = await connect(server, facts.name, signal)
  const leftOut = (flag: string) => options.leaveOut.includes(flag)
  const steps = [
    ...(leftOut('--no-owner') ? [] : await ownerStep(facts, connection)),
    ...settingSteps(facts),
    ...(await limitSteps(facts, connection)),
    ...(leftOut('--no-comments') ? [] : await commentStep(facts, connection)),
    ...(leftOut('--no-security-labels') ? [] : labelSteps(facts)),
  ]
  for (const step of steps) await run(step, connection, (what, reason) => log.leave(what, reason))
  if (facts.privileges === null || leftOut('--no-privileges')) return
  await applyPrivileges(facts, facts.privileges, connection)
  const now = await readDatabasePrivileges(connection, facts.name)
  // The owner differs with no-owner, and then who granted: what counts is who may do what.
  const asText = ({ grantee, privilege, grantable }: DatabasePrivilege) =>
    `${privilege}${grantable ? ' WITH GRANT OPTION' : ''} to ${grantee === null ? 'PUBLIC' : `'${grantee}'`}`
  const given = new Set(now.map(asText))
  const wanted = new Set(facts.privileges.map(asText))
  for (const grant of [...wanted].filter((each) => !given.has(each))) {
    log.leave(
      `privilege on database '${facts.name}' itself: ${grant}`,
      'the target did not let it be granted',
    )
  }
  for (const grant of [...given].filter((each) => !wanted.has(each))) {
    log.warnings.push(
      `the target has a privilege on database '${facts.name}' that the source has not: ${grant}`,
    )
  }
}

async function ownerStep(facts: DatabaseFacts, connection: Connection): Promise<readonly Step[]> {
  const [row] = await connection.query<{ owner: string }>(
    'SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()',
  )
  if (row?.owner === facts.owner) return []
  return [
    {
      sql: `ALTER DATABASE ${quoteIdentifier(facts.name)} OWNER TO ${quoteIdentifier(facts.owner)}`,
      what: `owner '${facts.owner}' of database '${facts.name}'`,
    },
  ]
}

function settingSteps({ name: database, settings }: DatabaseFacts): readonly Step[] {
  return settings.map(({ role, name, value }) => {
    const quoted = quoteIdentifier(database)
    const whose = role === null ? `DATABASE ${quoted}` : `ROLE ${quoteIdentifier(role)} IN DATABASE ${quoted}`
    const setting = name.split('.').map(quoteIdentifier).join('.')
    const text = LISTS.has(name.toLowerCase()) && value !== '' ? value : quoteLiteral(value)
    return {
      sql: `ALTER ${whose} SET ${setting} TO ${text}`,
      what: `setting ${name} of database '${database}'`,
    }
  })
}

async function limitSteps(facts: DatabaseFacts, connection: Connection): Promise<readonly Step[]> {
  const [row] = await connection.query<{ limit: number; template: boolean }>(
    'SELECT datconnlimit AS limit, datistemplate AS template FROM pg_database WHERE datname = current_database()',
  )
  const { name, connectionLimit, isTemplate } = facts
  const alter = (what: string, sql: string) => ({
    sql: `ALTER DATABASE ${quoteIdentifier(name)} ${sql}`,
    what: `${what} of database '${name}'`,
  })
  return [
    ...(row?.limit === connectionLimit
      ? []
      : [alter('connection limit', `CONNECTION LIMIT ${connectionLimit}`)]),
    ...(row?.template === isTemplate ? [] : [alter('template flag', `IS_TEMPLATE ${isTemplate}`)]),
  ]
}

async function commentStep(facts: DatabaseFacts, connection: Connection): Promise<readonly Step[]> {
  const [row] = await connection.query<{ comment: string | null }>(
    `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = current_database()`,
  )
  if (facts.comment === null || row?.comment === facts.comment) return []
  return [
    {
      sql: `COMMENT ON DATABASE ${quoteIdentifier(facts.name)} IS ${quoteLiteral(facts.comment)}`,
      what: `comment of database '${facts.name}'`,
    },
  ]
}

function labelSteps({ name, securityLabels }: DatabaseFacts): readonly Step[] {
  return securityLabels.map(({ provider, label }) => ({
    sql: `SECURITY LABEL FOR ${quoteIdentifier(provider)} ON DATABASE ${quoteIdentifier(name)} IS ${quoteLiteral(label)}`,
    what: `security label of '${provider}' on database '${name}'`,
  }))
}

/**
 * As pg_dump does it: what is given by default is taken back, then each is granted as who granted it, the owner's first.
 * A target may refuse with a mere notice, so the result is looked at afterwards.
 */
async function applyPrivileges(
  { name, owner }: DatabaseFacts,
  privileges: readonly DatabasePrivilege[],
  connection: Connection,
): Promise<void> {
  const database = quoteIdentifier(name)
  const refused = () => undefined
  const whoever = (role: string | null) => (role === null ? 'PUBLIC' : quoteIdentifier(role))
  for (const role of [null, owner]) {
    await run(
      { sql: `REVOKE ALL ON DATABASE ${database} FROM ${whoever(role)}`, what: '' },
      connection,
      refused,
    )
  }
  const inOrder = [...privileges].sort(
    (left, right) => Number(left.grantor !== owner) - Number(right.grantor !== owner),
  )
  for (const { grantee, grantor, privilege, grantable } of inOrder) {
    const grant = `GRANT ${privilege} ON DATABASE ${database} TO ${whoever(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`
    const step = { sql: grant, what: '' }
    if (grantor === owner) {
      await run(step, connection, refused)
      continue
    }
    let asGrantor = true
    await run({ sql: `SET ROLE ${quoteIdentifier(grantor)}`, what: '' }, connection, () => {
      asGrantor = false
    })
    await run(step, connection, refused)
    if (asGrantor) await connection.query('RESET ROLE')
  }
}

async function run(
  { sql, what }: Step,
  connection: Connection,
  refused: (what: string, reason: string) => void,
): Promise<void> {
  try {
    await connection.query(sql)
  } catch (thrown) {
    const code = codeOf(thrown)
    // Denied; no such role, parameter or label provider.
    if (code === undefined || !['42501', '42704', '22023', '0LP01'].includes(code)) throw thrown
    refused(what, reasonOf(thrown))
  }
}
