import { newBackupId } from '../../../core/backup-layout.ts'
import type { PartSource, RestoreOptions, RestoreResult } from '../../../core/engine.ts'
import { LifeboatError, messageOf } from '../../../core/errors.ts'
import { inChunks } from '../../../core/sink.ts'
import type { Staging } from '../../../core/staging.ts'
import { fileNames } from './backup-database.ts'
import { clearDeadRuns } from './clear-dead-runs.ts'
import type { NativeOptions } from './options.ts'
import { type NativeDatabase, type NativeRecord, readNativeRecord } from './record.ts'
import { DROP_DATABASE_TEXT, FINISH_RESTORE_TEXT, restoreStatement } from './statements.ts'
import { runTask, type TaskContext } from './task.ts'

export interface NativeRestoreSetting {
  readonly task: TaskContext
  readonly openStaging: () => Promise<Staging>
  readonly options: NativeOptions
  /** `ONLINE`, `RESTORING` …; undefined where there is no such database. */
  readonly stateOf: (database: string, signal: AbortSignal) => Promise<string | undefined>
  /** Maps users of the same name as a login to it; returns those that have none. */
  readonly mapUsers: (database: string, signal: AbortSignal) => Promise<readonly string[]>
}

const CLEANUP_MS = 60_000
const DROP_POLL_MS = 2_000

/**
 * RDS reads plain .bak files only: each part is verified and decrypted into the staging bucket, under SSE-KMS, loaded
 * from there by a task of the server, and removed with every version of it, whatever comes.
 */
export async function restoreNative(
  setting: NativeRestoreSetting,
  source: PartSource,
  restoring: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const record = readNativeRecord(source.contents)
  const staging = await setting.openStaging()
  await checkStaging(record, staging, signal)
  await clearDeadRuns(setting.task, staging, signal)
  const run = `lifeboat-${newBackupId(setting.task.clock.now())}`
  const warnings: string[] = []
  const notRestored: { what: string; reason: string }[] = []
  for (const [index, database] of smallestFirst(record.databases).entries()) {
    await checkDatabase(setting, database, restoring.replace, signal)
    const stem = `${run}/${String(index + 1).padStart(4, '0')}`
    const keys = record.shipped ? fileNames(stem, database.files.length) : []
    try {
      await staging.claim(keys)
      for (const [position, file] of database.files.entries()) {
        const key = keys[position]
        if (key === undefined) continue
        restoring.onProgress?.({ kind: 'step', message: `staging part '${file.part}' for the server` })
        const body = inChunks(source.open(file.part, signal))
        await staging.sink.write(key, body, { signal })
      }
      // Not before the last byte of the backup was verified: what it replaces may be all that there is.
      if (database.type === 'FULL' && restoring.replace) await dropDatabase(setting, database.name, signal)
      await load(setting, record, database, arnOf(staging, database, stem, record), signal)
    } finally {
      await clear(staging, keys, warnings)
    }
    if (setting.options.restore.norecovery) continue
    for (const user of await setting.mapUsers(database.name, signal)) {
      notRestored.push({
        what: `login of user '${user}' in database '${database.name}'`,
        reason: `the server has no login of that name: CREATE LOGIN, then ALTER USER … WITH LOGIN in '${database.name}'`,
      })
    }
  }
  return {
    restored: record.databases.map(({ name }) => name),
    notRestored,
    warnings,
    ...(setting.options.restore.norecovery && {
      uncounted: 'recovery=norecovery leaves the databases in RESTORING until a differential backup follows',
    }),
  }
}

/** What the role of the option group may not do shows by the first task only: not after hours of staging. */
function smallestFirst(databases: readonly NativeDatabase[]): readonly NativeDatabase[] {
  const bytesOf = ({ files }: NativeDatabase) => files.reduce((sum, { bytes }) => sum + bytes, 0)
  return databases.toSorted((one, other) => bytesOf(one) - bytesOf(other))
}

/** Files that were left in a bucket must still be there, as long as they were, before anything is changed. */
async function checkStaging(record: NativeRecord, staging: Staging, signal: AbortSignal): Promise<void> {
  for (const { stagedAs, bytes } of record.databases.flatMap(({ files }) => files)) {
    if (stagedAs === undefined) continue
    const found = await staging.sink.stat(stagedAs, signal)
    if (found?.bytes === bytes) continue
    const is = found === undefined ? 'is not there' : `has ${found.bytes} bytes instead of ${bytes}`
    throw new LifeboatError(
      'sink-not-found',
      `unable to restore from ${staging.sink.name}: file '${stagedAs}' ${is}`,
      {
        hint: `This backup was made with ship=no: its files were left in bucket '${record.bucket}'. Give --staging as at the dump.`,
      },
    )
  }
}

/** A full backup wants no database of that name; a differential one wants the full one before it, in RESTORING. */
async function checkDatabase(
  { stateOf }: NativeRestoreSetting,
  { name, type }: NativeDatabase,
  replace: boolean,
  signal: AbortSignal,
): Promise<void> {
  const state = await stateOf(name, signal)
  if (type === 'DIFFERENTIAL') {
    if (state === 'RESTORING') return
    const is = state === undefined ? 'it is not there' : `it is ${state}`
    throw new LifeboatError(
      'unsupported',
      `unable to restore a differential backup into database '${name}': ${is}`,
      {
        hint: 'Restore its full backup first with ?recovery=norecovery, then this one.',
      },
    )
  }
  if (state === undefined || replace) return
  throw new LifeboatError(
    'confirmation-required',
    `unable to restore database '${name}': it is there already`,
    {
      hint: 'Nothing was changed. Give a fresh server, or add --replace to drop it.',
    },
  )
}

async function dropDatabase(
  { task, stateOf }: NativeRestoreSetting,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  if ((await stateOf(name, signal)) === undefined) return
  {
    await using session = await task.openSession(signal)
    await session.query(DROP_DATABASE_TEXT, signal, { db_name: name })
  }
  while ((await stateOf(name, signal)) !== undefined) await task.clock.sleep(DROP_POLL_MS, signal)
}

async function load(
  { task, options }: NativeRestoreSetting,
  record: NativeRecord,
  { name, type }: NativeDatabase,
  arn: string,
  signal: AbortSignal,
): Promise<void> {
  // A differential goes in without recovery, so that what fails half way can be repeated; finishing is a task of its own.
  const norecovery = type === 'DIFFERENTIAL' || options.restore.norecovery
  // That of the dump, unless the region of the restore has one of its own.
  const kmsKey = options.restore.kmsKey ?? record.kmsKey
  const statement = restoreStatement(name, arn, {
    ...options.restore,
    ...(kmsKey !== undefined && { kmsKey }),
    type,
    norecovery,
  })
  await runTask(task, statement, `restore database '${name}'`, signal)
  if (type === 'FULL' || options.restore.norecovery) return
  const finish = { text: FINISH_RESTORE_TEXT, parameters: { db_name: name } }
  await runTask(task, finish, `finish the restore of database '${name}'`, signal)
}

function arnOf(staging: Staging, database: NativeDatabase, stem: string, record: NativeRecord): string {
  if (record.shipped) {
    return staging.arn(database.files.length === 1 ? `${stem}.bak` : `${stem}-*`)
  }
  const first = database.files[0]?.stagedAs ?? ''
  return staging.arn(database.files.length === 1 ? first : first.replace(/1-of-\d+\.bak$/, '*'))
}

async function clear(staging: Staging, keys: readonly string[], warnings: string[]): Promise<void> {
  try {
    await staging.purge(keys, AbortSignal.timeout(CLEANUP_MS))
  } catch (thrown) {
    warnings.push(
      `plain .bak files may still lie in bucket '${staging.bucket}': ${messageOf(thrown)}; the next run from this machine removes them`,
    )
  }
}
