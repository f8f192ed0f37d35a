import type { PartSource, RestoreOptions, RestoreResult } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import { readServerFacts, type ServerFacts } from './catalog.ts'
import { type Connection, connect, connectMaintenance, type Server } from './connection.ts'
import { dropDatabases, findOccupied } from './occupied.ts'
import { restoreCluster } from './restore-cluster.ts'
import { checkClusterRestore } from './restore-cluster-preflight.ts'
import { restoreDatabases } from './restore-databases.ts'
import { createRestoreLog, type RestoreLog } from './restore-log.ts'
import { checkRestore } from './restore-preflight.ts'
import { readStoredFacts, readStoredVersions } from './stored-facts.ts'
import type { Toolbox } from './toolbox.ts'
import type { Tool } from './tools.ts'
import type { PostgresOptions } from './url-options.ts'

export interface RestoreSetting {
  readonly server: Server
  readonly options: PostgresOptions
  readonly target: ServerFacts
  /** pg_restore, or psql for a script. */
  readonly tool: Tool
  readonly log: RestoreLog
  /** Databases that exist and are loaded into: `postgres`, as long as nothing is in it, and what we made ourselves. */
  readonly kept: Set<string>
}

export async function restore(
  source: PartSource,
  given: { readonly server: Server; readonly tools: Toolbox; readonly options: PostgresOptions },
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const { server, tools } = given
  const facts = readStoredFacts(source.contents)
  refuseOtherDatabase(
    server.url.database,
    facts.map(({ name }) => name),
  )
  const { client, layout } = readStoredVersions(source.contents)
  const log = createRestoreLog(options.onProgress)
  const tool = await tools.get(layout === 'dumpall' ? 'psql' : 'pg_restore', signal)
  const names = new Set(facts.map(({ name }) => name))
  await using maintenance = await connectAside(server, names, signal)
  const target = await readServerFacts(maintenance)
  await checkRestore(source, facts, client, { target, tool, options: given.options }, maintenance)
  if (layout === 'dumpall') {
    await checkClusterRestore(facts, { target, options: given.options }, maintenance)
  }
  const { conflicts } = await findOccupied(server, source.contents, maintenance, signal)
  if (conflicts.length > 0 && !options.replace) {
    throw new LifeboatError(
      'confirmation-required',
      `unable to restore: the target already holds ${conflicts.map((name) => `'${name}'`).join(', ')}`,
      { hint: 'Nothing was changed. Give an empty server, or add --replace to drop what the backup names.' },
    )
  }
  if (conflicts.length > 0) {
    log.step(`dropping ${conflicts.length} databases that the backup names, ending the sessions in them`)
    await dropDatabases(maintenance, conflicts)
  }
  if (layout === 'dumpall' && conflicts.includes('postgres')) {
    // The script of pg_dumpall takes `postgres` for granted.
    await maintenance.query('CREATE DATABASE postgres TEMPLATE template0')
  }
  const rows = await maintenance.query<{ name: string }>('SELECT datname AS name FROM pg_database')
  const kept = new Set(rows.map(({ name }) => name).filter((name) => names.has(name)))
  const setting: RestoreSetting = { server, options: given.options, target, tool, log, kept }
  if (layout === 'dumpall') await restoreCluster(source, facts, setting, maintenance, signal)
  else await restoreDatabases(source, facts, setting, maintenance, signal)
  log.step(
    'the planner has no statistics yet: run vacuumdb --all --analyze-in-stages before the load comes back',
  )
  return log.result()
}

/** A session in a database that is not among those to be dropped and made. */
async function connectAside(
  server: Server,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Connection> {
  return names.has('postgres')
    ? await connect(server, 'template1', signal)
    : await connectMaintenance(server, signal)
}

function refuseOtherDatabase(only: string | undefined, names: readonly string[]): void {
  if (only === undefined || names.every((name) => name === only)) return
  throw new LifeboatError(
    'usage',
    `unable to restore into database '${only}' alone: the backup holds others too`,
    {
      hint: 'Leave the database out of the URL; databases are restored under their own names.',
    },
  )
}
