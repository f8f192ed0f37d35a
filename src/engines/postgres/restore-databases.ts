import { collect } from '../../core/bytes.ts'
import type { PartSource } from '../../core/engine.ts'
import { type Connection, connect, type Server } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { databaseOfPart, GLOBALS_PART } from './parts.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { RestoreSetting } from './restore.ts'
import { restoreError } from './restore-error.ts'
import { applyGlobals } from './restore-globals.ts'
import type { RestoreLog } from './restore-log.ts'
import { joinOwners, makePlaceholders } from './restore-roles.ts'
import { writeToServer } from './run-tool.ts'

/** Globals, then database by database, each through a pg_restore that reads the archive from its stdin. */
export async function restoreDatabases(
  source: PartSource,
  facts: readonly DatabaseFacts[],
  setting: RestoreSetting,
  maintenance: Connection,
  signal: AbortSignal,
): Promise<void> {
  const { server, options, target, log } = setting
  log.step('restoring roles and tablespaces')
  const globals = await collect(source.open(GLOBALS_PART.name, signal))
  const script = Buffer.from(globals)
    .toString('utf8')
    .replaceAll(/^\\(?:un)?restrict [A-Za-z0-9]+$/gm, '')
  await applyGlobals(script, { target, tablespaces: options.tablespaces }, maintenance, log)
  await makePlaceholders(facts, maintenance, log)
  await joinOwners(facts, target, maintenance, log)
  const lacking = await lackingTablespaces(facts, maintenance)
  const drops = options.tablespaces.kind === 'drop' || lacking.size > 0
  const leaveOut = [...options.leaveOut, ...(drops ? ['--no-tablespaces'] : [])]
  for (const part of source.parts) {
    const database = databaseOfPart(part.name)
    if (database === undefined) continue
    const known = facts.find(({ name }) => name === database)
    if (known === undefined) throw new Error(`the contents do not describe database '${database}'`)
    if (drops && known.home !== 'pg_default' && !setting.kept.has(database)) {
      await createDatabase(known, options.leaveOut.includes('--no-owner'), maintenance)
      setting.kept.add(database)
    }
    await restoreDatabase(source, part.name, database, leaveOut, setting, maintenance, signal)
    if (setting.kept.has(database)) await applySettings(known, server, signal, log)
    log.restored.push(`database '${database}'`)
  }
}

/** Its tablespace is part of the archive's CREATE DATABASE: --no-tablespaces does not take it out (seen with 15). */
async function createDatabase(
  facts: DatabaseFacts,
  ownerless: boolean,
  maintenance: Connection,
): Promise<void> {
  const { name, owner, encoding, collate, ctype } = facts
  await maintenance.query(
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0 ${ownerless ? '' : `OWNER ${quoteIdentifier(owner)}`}
     ENCODING ${quoteLiteral(encoding)} LC_COLLATE ${quoteLiteral(collate)} LC_CTYPE ${quoteLiteral(ctype)}`,
  )
}

async function restoreDatabase(
  source: PartSource,
  part: string,
  database: string,
  leaveOut: readonly string[],
  { server, tool, options, log, kept }: RestoreSetting,
  maintenance: Connection,
  signal: AbortSignal,
): Promise<void> {
  log.step(`restoring database '${database}'`)
  const into = kept.has(database)
  const args = [
    ...['--exit-on-error', '--no-password', ...(into ? [] : ['--create']), ...leaveOut],
    ...(options.role === undefined ? [] : [`--role=${options.role}`]),
  ]
  let stderr = ''
  const run = { tool, args, database: into ? database : maintenance.database }
  try {
    await writeToServer(
      server,
      run,
      source.open(part, signal),
      (text) => {
        stderr = text
      },
      signal,
    )
  } catch (thrown) {
    throw restoreError(thrown, `database '${database}'`, stderr)
  }
}

/** Where one is lacking, pg_restore must name none: its `SET default_tablespace` would fail. */
export async function lackingTablespaces(
  facts: readonly DatabaseFacts[],
  maintenance: Connection,
): Promise<ReadonlySet<string>> {
  const rows = await maintenance.query<{ name: string }>('SELECT spcname AS name FROM pg_tablespace')
  const existing = new Set(rows.map(({ name }) => name))
  return new Set(facts.flatMap(({ tablespaces }) => tablespaces).filter((name) => !existing.has(name)))
}

/** Their values are lists of names already quoted: src/bin/pg_dump/dumputils.c, variable_is_guc_list_quote. */
const LISTS = new Set([
  ...['local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries'],
  ...['temp_tablespaces', 'unix_socket_directories', 'restrict_nonsystem_relation_kind'],
])

/** pg_restore sets what belongs to the database itself only where it creates it. */
async function applySettings(
  facts: DatabaseFacts,
  server: Server,
  signal: AbortSignal,
  log: RestoreLog,
): Promise<void> {
  await using connection = await connect(server, facts.name, signal)
  const database = quoteIdentifier(facts.name)
  for (const { role, name, value } of facts.settings) {
    const whose =
      role === null ? `DATABASE ${database}` : `ROLE ${quoteIdentifier(role)} IN DATABASE ${database}`
    const setting = name.split('.').map(quoteIdentifier).join('.')
    const text = LISTS.has(name.toLowerCase()) && value !== '' ? value : quoteLiteral(value)
    await connection.query(`ALTER ${whose} SET ${setting} TO ${text}`)
  }
  if (facts.granted) {
    log.leave(
      `privileges on database '${facts.name}' itself`,
      'they come with the CREATE DATABASE of pg_restore, and this one was there or had to be made without its tablespace',
    )
  }
}
