import { collect } from '../../core/bytes.ts'
import type { EngineContext, PartSource, RestoreOptions, RestoreResult } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import { listDatabases } from './databases.ts'
import { dropDatabase } from './drop-database.ts'
import { loadTables } from './load-tables.ts'
import { openMaintenance } from './maintenance.ts'
import { findOccupied } from './occupied.ts'
import type { SqlServerOptions } from './options.ts'
import { type BcpRecord, type DatabaseRecord, readBcpRecord } from './record.ts'
import { createRestoreLog, type RestoreLog } from './restore-log.ts'
import { applyAfter, applyBefore } from './schema/apply.ts'
import { scriptDatabase } from './schema/script-database.ts'
import { readSteps, type Step } from './schema/step.ts'
import { applyError } from './schema/violations.ts'
import type { Server } from './server-access.ts'
import { readServerFacts } from './server-facts.ts'
import type { SessionSource } from './session.ts'

export interface RestoreSetting {
  readonly server: Server
  readonly sessions: SessionSource
  readonly options: SqlServerOptions
  readonly context: EngineContext
}

/** Each database with its tables and rows; then, when all are there, what refers to them: keys, views, grants. */
export async function restoreDatabases(
  setting: RestoreSetting,
  source: PartSource,
  restoring: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const { server, sessions } = setting
  const record = readBcpRecord(source.contents)
  refuseOtherDatabase(server.url.database, record)
  const log = createRestoreLog(restoring.onProgress)
  const { conflicts } = await findOccupied(server, sessions, source.contents, signal)
  if (conflicts.length > 0 && !restoring.replace) {
    throw new LifeboatError(
      'confirmation-required',
      `unable to restore: the target already holds ${conflicts.map((name) => `'${name}'`).join(', ')}`,
      { hint: 'Nothing was changed. Give an empty server, or add --replace to drop what the backup names.' },
    )
  }
  for (const database of record.databases) {
    // Read to its end before anything is dropped: a part is proven only by then.
    const before = await readScript(source, database.before, signal)
    await makeDatabase(setting, database, conflicts.includes(database.name), log, signal)
    log.step(`making the tables of database '${database.name}'`)
    {
      await using session = await sessions.open(database.name, signal)
      log.take(database.name, await applyBefore(session, before, signal))
    }
    await loadTables({ ...setting, jobs: restoring.jobs ?? 1, log }, source, database, signal)
  }
  const failures: LifeboatError[] = []
  for (const database of record.databases) {
    const after = await readScript(source, database.after, signal)
    log.step(`making indexes, keys and modules of database '${database.name}'`)
    const failure = await finishDatabase(setting, database, after, log, signal)
    if (failure === undefined) log.restored.push(`database '${database.name}'`)
    else failures.push(failure)
  }
  const [first] = failures
  if (first === undefined) return log.result()
  if (failures.length === 1) throw first
  throw new LifeboatError(first.code, failures.map(({ message }) => message).join('\n'), {
    hint: first.hint,
    details: { databases: failures.map(({ details }) => details) },
  })
}

async function makeDatabase(
  { server, sessions }: RestoreSetting,
  database: DatabaseRecord,
  conflicts: boolean,
  log: RestoreLog,
  signal: AbortSignal,
): Promise<void> {
  await using maintenance = await openMaintenance(server, sessions, signal)
  const present = await listDatabases(maintenance, signal)
  const exists = present.some(({ name }) => name === database.name)
  if (exists && conflicts) {
    log.step(`dropping database '${database.name}', ending the sessions in it`)
    await dropDatabase(maintenance, database.name, await readServerFacts(maintenance, signal), signal)
  }
  const steps = scriptDatabase(database)
  const wanted = exists && !conflicts ? steps.filter(({ kind }) => kind !== 'database') : steps
  log.take(database.name, await applyBefore(maintenance, wanted, signal))
}

/** Whatever fails, the rest is made; what a database can't be called restored without is then the error. */
async function finishDatabase(
  { sessions, options }: RestoreSetting,
  database: DatabaseRecord,
  steps: readonly Step[],
  log: RestoreLog,
  signal: AbortSignal,
): Promise<LifeboatError | undefined> {
  await using session = await sessions.open(database.name, signal)
  const result = await applyAfter(session, steps, { violations: options.violations }, signal)
  log.take(database.name, result)
  return applyError(database.name, result)
}

async function readScript(source: PartSource, part: string, signal: AbortSignal): Promise<readonly Step[]> {
  return readSteps(Buffer.from(await collect(source.open(part, signal))).toString('utf8'))
}

function refuseOtherDatabase(only: string | undefined, { databases }: BcpRecord): void {
  if (only === undefined || databases.every(({ name }) => name === only)) return
  throw new LifeboatError(
    'usage',
    `unable to restore into database '${only}' alone: the backup holds others too`,
    { hint: 'Leave the database out of the URL; databases are restored under their own names.' },
  )
}
