import { collect } from '../../core/bytes.ts'
import type { PartSource } from '../../core/engine.ts'
import type { Connection } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { databaseOfPart, GLOBALS_PART } from './parts.ts'
import type { RestoreSetting } from './restore.ts'
import { restoreError } from './restore-error.ts'
import { applyGlobals } from './restore-globals.ts'
import { applyProperties, createStatement } from './restore-properties.ts'
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
  const { options, target, log } = setting
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
      await maintenance.query(
        createStatement(known, {
          ownerless: options.leaveOut.includes('--no-owner'),
          targetMajor: target.major,
        }),
      )
      setting.kept.add(database)
    }
    await restoreDatabase(source, part.name, database, leaveOut, setting, maintenance, signal)
    if (setting.kept.has(database)) await applyProperties(known, setting, signal)
    log.restored.push(`database '${database}'`)
  }
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
