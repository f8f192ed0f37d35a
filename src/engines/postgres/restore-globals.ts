import { LifeboatError, messageOf } from '../../core/errors.ts'
import { isProviderRole, type ServerFacts } from './catalog.ts'
import type { Connection } from './connection.ts'
import { codeOf, maskPasswords } from './failures.ts'
import {
  type Attribute,
  type GlobalsStatement,
  readGlobalsStatement,
  stripAttributes,
} from './globals-statement.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { RestoreLog } from './restore-log.ts'
import { splitStatements } from './sql-lexer.ts'
import type { TablespaceMode } from './url-options.ts'

export interface GlobalsSetting {
  readonly target: ServerFacts
  readonly tablespaces: TablespaceMode
}

const DUPLICATE_OBJECT = '42710'
const DENIED = '42501'

/**
 * Applies roles, memberships and tablespaces statement by statement. Roles come all together or not at all, so that a
 * run that was cut off leaves none half made. What exists at the target stays as it is: a role's password may be the one
 * that we are connected with. What a user without superuser rights can't do is left out and reported.
 */
export async function applyGlobals(
  script: string,
  setting: GlobalsSetting,
  connection: Connection,
  log: RestoreLog,
): Promise<void> {
  const plan = await planGlobals(script, setting, connection, log)
  await connection.query('BEGIN')
  try {
    for (const step of plan.roles) await applyStep(step, setting, connection, log)
    await connection.query('COMMIT')
  } catch (thrown) {
    if (codeOf(thrown) !== undefined) await connection.query('ROLLBACK').catch(() => undefined)
    throw thrown
  }
  for (const { sql, what } of plan.tablespaces) {
    try {
      await connection.query(sql)
    } catch (thrown) {
      throw statementError(what, thrown)
    }
  }
}

interface Step {
  readonly sql: string
  /** For the report; never a password. */
  readonly what: string
}

async function planGlobals(
  script: string,
  { target, tablespaces }: GlobalsSetting,
  connection: Connection,
  log: RestoreLog,
): Promise<{ roles: readonly Step[]; tablespaces: readonly Step[] }> {
  const statements = splitStatements(script).map((sql) => ({ sql, is: readGlobalsStatement(sql) }))
  const fromRds = statements.some(({ is }) => is.kind === 'create-role' && is.role === 'rdsadmin')
  const provided = (role: string | undefined) => fromRds && role !== undefined && isProviderRole(role)
  const names = async (sql: string) =>
    new Set((await connection.query<{ name: string }>(sql)).map(({ name }) => name))
  const existing = await names('SELECT rolname AS name FROM pg_roles')
  const existingTablespaces = await names('SELECT spcname AS name FROM pg_tablespace')
  const forbidden = forbiddenAttributes(target)
  const roles: Step[] = []
  const late: Step[] = []

  for (const { sql, is } of statements) {
    const what = describeStatement(sql, is)
    if (is.kind === 'session') continue
    if (is.kind === 'create-role') {
      if (provided(is.role)) log.leave(`role '${is.role}'`, 'it belongs to RDS')
      else if (existing.has(is.role)) {
        if (is.role !== target.user) log.keep(is.role)
      } else {
        roles.push({ sql, what })
        log.restored.push(`role '${is.role}'`)
      }
    } else if (is.kind === 'role-attributes') {
      if (provided(is.role) || existing.has(is.role)) continue
      const { sql: stripped, lost } = stripAttributes(sql, forbidden)
      for (const word of lost) {
        log.leave(`${word} of role '${is.role}'`, `${target.user} may not give it`)
      }
      if (!/ WITH;$/.test(stripped)) roles.push({ sql: stripped, what })
    } else if (is.kind === 'role-detail') {
      if (!provided(is.role)) roles.push({ sql, what })
    } else if (is.kind === 'membership') {
      if (provided(is.role) || provided(is.member)) log.leave(what, 'the role belongs to RDS')
      else roles.push({ sql: target.superuser && !provided(is.grantor) ? sql : withoutGrantor(sql), what })
    } else if (is.kind === 'create-tablespace') {
      const step = planTablespace(sql, is, tablespaces, target)
      if (existingTablespaces.has(is.tablespace))
        log.warnings.push(`tablespace '${is.tablespace}' exists and is used`)
      else if (step === undefined) {
        log.leave(
          `tablespace '${is.tablespace}'`,
          'the target has none of that name: its objects go into the default one',
        )
      } else {
        late.push({ sql: step, what })
        existingTablespaces.add(is.tablespace)
        log.restored.push(`tablespace '${is.tablespace}'`)
      }
    } else if (is.kind === 'tablespace-detail') {
      if (existingTablespaces.has(is.tablespace)) late.push({ sql, what })
    } else roles.push({ sql, what })
  }
  return { roles, tablespaces: late }
}

async function applyStep(
  { sql, what }: Step,
  { target }: GlobalsSetting,
  connection: Connection,
  log: RestoreLog,
): Promise<void> {
  await connection.query('SAVEPOINT statement')
  try {
    await connection.query(sql)
  } catch (thrown) {
    const code = codeOf(thrown)
    const denied = code === DENIED && !target.superuser
    if (code !== DUPLICATE_OBJECT && !denied) throw statementError(what, thrown)
    await connection.query('ROLLBACK TO SAVEPOINT statement')
    log.leave(what, denied ? reasonOf(thrown) : 'it exists')
  }
  await connection.query('RELEASE SAVEPOINT statement')
}

function planTablespace(
  sql: string,
  { tablespace, owner }: { tablespace: string; owner: string },
  mode: TablespaceMode,
  target: ServerFacts,
): string | undefined {
  if (!target.superuser) return undefined
  if (mode.kind === 'keep') return sql
  const folder = mode.kind === 'map' ? mode.folders.get(tablespace) : undefined
  if (folder === undefined) return undefined
  return `CREATE TABLESPACE ${quoteIdentifier(tablespace)} OWNER ${quoteIdentifier(owner)} LOCATION ${quoteLiteral(folder)}`
}

/** Only who has an attribute may mention it: superusers before version 16 for the first three, the holder since. */
function forbiddenAttributes(target: ServerFacts): readonly Attribute[] {
  if (target.superuser) return []
  const always: readonly Attribute[] = ['SUPERUSER', 'REPLICATION', 'BYPASSRLS']
  return target.major >= 16 && !target.createDb ? [...always, 'CREATEDB'] : always
}

function withoutGrantor(sql: string): string {
  return sql.replace(/ GRANTED BY (?:"(?:[^"]|"")*"|[^\s;]+);$/, ';')
}

function describeStatement(sql: string, is: GlobalsStatement): string {
  if (is.kind === 'membership') return `membership of '${is.member}' in role '${is.role}'`
  const text = maskPasswords(sql).replace(/\s+/g, ' ')
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

export function reasonOf(thrown: unknown): string {
  return messageOf(thrown instanceof LifeboatError ? thrown.cause : thrown)
}

function statementError(what: string, thrown: unknown): unknown {
  const code = codeOf(thrown)
  if (!(thrown instanceof LifeboatError) || thrown.code === 'engine-unreachable' || code === undefined)
    return thrown
  return new LifeboatError(
    'tool-failed',
    `unable to restore roles and tablespaces: ${reasonOf(thrown)} at: ${what}`,
    {
      hint: 'No role was made. Mend at the target what the reason says, then run again.',
      cause: thrown,
      details: { sqlState: code },
    },
  )
}
