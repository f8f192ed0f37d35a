import type { TdsColumn, TdsEvent, TdsType, TdsValue } from '../backend.ts'
import { readBackup, writeBackup } from './backup-file.ts'
import type { Database, DatabaseOptions } from './model.ts'
import { sameName } from './names.ts'
import { nowText, takeObjectId } from './new-database.ts'
import { missingProcedure, type Passed } from './procedures.ts'
import { advance, type RdsState, type RdsTask, RdsTaskError } from './rds-tasks.ts'
import type { Run } from './session.ts'
import { SqlError } from './sql-error.ts'
import type { ServerState, SessionState } from './state.ts'
import { DATETIME, INT, nvarchar } from './types.ts'
import { castValue } from './values.ts'

/** Parameters of each procedure as AWS documents them; `!` where one must be given. */
const PARAMETERS: Readonly<Record<string, string>> = {
  rds_backup_database:
    'source_db_name! s3_arn_to_backup_to! kms_master_key_arn overwrite_s3_backup_file type number_of_files block_size max_transfer_size buffer_count enable_bucket_default_encryption',
  rds_restore_database:
    'restore_db_name! s3_arn_to_restore_from! with_norecovery type kms_master_key_arn keep_cdc data_file_volume log_file_volume block_size max_transfer_size buffer_count',
  rds_restore_log:
    'restore_db_name! s3_arn_to_restore_from! kms_master_key_arn with_norecovery stopat keep_cdc data_file_volume log_file_volume block_size max_transfer_size buffer_count',
  rds_finish_restore: 'db_name!',
  rds_drop_database: 'db_name!',
  rds_cancel_task: 'task_id!',
  rds_task_status: 'db_name task_id',
}

/** msdb shows them only where the option group has SQLSERVER_BACKUP_RESTORE. */
export function installRds(msdb: Database): void {
  for (const name of Object.keys(PARAMETERS)) {
    const id = takeObjectId(msdb)
    msdb.objects.set(id, { id, schemaId: 1, name, type: 'P', parentId: 0, created: nowText() })
  }
}

const fail = (message: string) => new SqlError(50000, message, { endsBatch: false })

function readArguments(procedure: string, passed: readonly Passed[]): (name: string) => string | null {
  const names = (PARAMETERS[procedure] ?? '').split(' ')
  const given = new Map<string, string | null>()
  for (const [at, each] of passed.entries()) {
    const name = each.name ? each.name.slice(1).toLowerCase() : (names[at]?.replace('!', '') ?? '')
    if (!names.some((known) => known.replace('!', '') === name))
      throw new SqlError(8145, `@${name} is not a parameter for procedure ${procedure}.`)
    const text = castValue(each.value, each.type, nvarchar(-1))
    given.set(name, text === null ? null : String(text))
  }
  for (const name of names)
    if (name.endsWith('!') && (given.get(name.slice(0, -1)) ?? null) === null)
      throw new SqlError(
        201,
        `Procedure or function '${procedure}' expects parameter '@${name.slice(0, -1)}', which was not supplied.`,
      )
  return (name) => given.get(name) ?? null
}

export async function* runRds(
  session: SessionState,
  name: readonly string[],
  passed: readonly Passed[],
): Run {
  const { server } = session
  const { rds } = server
  const procedure = (name.at(-1) ?? '').toLowerCase()
  if (rds === null || PARAMETERS[procedure] === undefined) throw missingProcedure(name.join('.'))
  const get = readArguments(procedure, passed)
  if (procedure === 'rds_task_status') {
    const [database, id] = [get('db_name'), get('task_id')]
    const chosen = rds.tasks.filter(
      (task) =>
        (database === null || sameName(task.database, database)) &&
        (id === null || id === '0' || task.id === Number(id)),
    )
    for (const task of chosen) await advance(rds, task, nowText())
    yield* answer(chosen)
    return 'next'
  }
  if (session.trancount > 0) throw fail(`${procedure} cannot be run inside of a transaction.`)
  if (procedure === 'rds_cancel_task') {
    const task = rds.tasks.find((each) => each.id === Number(get('task_id')))
    if (task === undefined) throw fail(`Task ID ${get('task_id')} does not exist.`)
    if (task.type === 'FINISH_RESTORE') throw fail('A FINISH_RESTORE task cannot be cancelled.')
    if (task.lifecycle === 'CREATED' || task.lifecycle === 'IN_PROGRESS') task.lifecycle = 'CANCEL_REQUESTED'
    yield* answer([task])
    return 'next'
  }
  if (procedure === 'rds_drop_database') {
    dropRestoring(server, get('db_name') ?? '')
    yield { kind: 'done' }
    return 'next'
  }
  const task = startTask(server, rds, procedure, get)
  rds.tasks.push(task)
  yield* answer([task])
  return 'next'
}

function dropRestoring(server: ServerState, name: string): void {
  const database = server.databases.get(name.toLowerCase())
  if (database === undefined) throw fail(`Database ${name} does not exist.`)
  for (const other of server.sessions) if (other.database === database) other.kill.abort()
  server.databases.delete(name.toLowerCase())
}

type Get = (name: string) => string | null

function startTask(server: ServerState, rds: RdsState, procedure: string, get: Get): RdsTask {
  const arn = get('s3_arn_to_backup_to') ?? get('s3_arn_to_restore_from')
  const database = get('source_db_name') ?? get('restore_db_name') ?? get('db_name') ?? ''
  if (arn !== null && !/^arn:aws[\w-]*:s3:::[^/]+\/.+/.test(arn))
    throw fail(arn.startsWith('arn:') ? 'S3 ARN prefix cannot be empty.' : `'${arn}' is not a valid S3 ARN.`)
  const type = (get('type') ?? 'FULL').toUpperCase()
  if (type !== 'FULL' && type !== 'DIFFERENTIAL')
    throw fail(`'${type}' is not a valid type. Use FULL or DIFFERENTIAL.`)
  const kind = type as 'FULL' | 'DIFFERENTIAL'
  const base = {
    id: rds.tasks.length + 1,
    database,
    arn,
    overwrite: get('overwrite_s3_backup_file') === '1',
    kmsKey: get('kms_master_key_arn'),
    created: nowText(),
    updated: nowText(),
    lifecycle: 'CREATED' as const,
    percent: 0,
    info: `[${nowText()}] Task execution has started.`,
  }
  if (procedure === 'rds_backup_database')
    return { ...base, ...backupTask(server, rds, database, arn ?? '', kind, get) }
  if (procedure === 'rds_finish_restore') {
    const found = server.databases.get(database.toLowerCase())
    if (found === undefined) throw fail(`Database ${database} does not exist.`)
    const finish = async () => {
      if (stateOf(found) !== 'RESTORING')
        throw new RdsTaskError(`Database ${database} is not in the RESTORING state.`)
      setState(found, 'ONLINE')
      return 'Database restored.'
    }
    return { ...base, type: 'FINISH_RESTORE', work: finish }
  }
  const isLog = procedure === 'rds_restore_log'
  const norecovery = (get('with_norecovery') ?? (isLog ? '1' : '0')) === '1'
  if (kind === 'DIFFERENTIAL' && get('with_norecovery') === null)
    throw fail('@with_norecovery must be given for a differential restore.')
  const typeName = `RESTORE_DB${isLog ? '_LOG' : kind === 'DIFFERENTIAL' ? '_DIFFERENTIAL' : ''}${norecovery ? '_NORECOVERY' : ''}`
  const work = async () => {
    if (isLog) throw new RdsTaskError('The file is not a log backup.')
    await restore(server, rds, database, arn ?? '', kind, norecovery, get('kms_master_key_arn'))
    return 'Database restored.'
  }
  return { ...base, type: typeName, work }
}

function backupTask(
  server: ServerState,
  rds: RdsState,
  name: string,
  arn: string,
  kind: 'FULL' | 'DIFFERENTIAL',
  get: Get,
): Pick<RdsTask, 'type' | 'work'> {
  const files = Number(get('number_of_files') ?? 1)
  if (!(files >= 1 && files <= 10)) throw fail('@number_of_files must be between 1 and 10.')
  const stars = arn.split('*').length - 1
  if (files > 1 && stars !== 1)
    throw fail('For a backup of several files the ARN must hold exactly one asterisk (*).')
  if (files === 1 && stars > 0) throw fail('The ARN of a single file must not hold an asterisk (*).')
  const block = get('block_size')
  if (block !== null && !['512', '1024', '2048', '4096', '8192', '16384', '32768', '65536'].includes(block))
    throw fail(`${block} is not a valid block size.`)
  const transfer = Number(get('max_transfer_size') ?? 65536)
  if (transfer % 65536 !== 0 || transfer > 4194304 || transfer <= 0)
    throw fail(`${transfer} is not a valid transfer size.`)
  if (!server.databases.has(name.toLowerCase())) throw fail(`Database ${name} does not exist.`)
  const work = async () => {
    const database = server.databases.get(name.toLowerCase())
    if (database === undefined) throw new RdsTaskError(`Database ${name} does not exist.`)
    if (stateOf(database) !== 'ONLINE') throw new RdsTaskError(`Database ${name} is ${stateOf(database)}.`)
    if (kind === 'DIFFERENTIAL' && !rds.backedUp.has(database.brokerGuid))
      throw new RdsTaskError(
        'Cannot perform a differential backup because a current database backup does not exist.',
      )
    for (const [at, bytes] of writeBackup(database, kind, files, get('kms_master_key_arn')).entries()) {
      const target = files === 1 ? arn : arn.replace('*', `${at + 1}-of-${files}`)
      if (get('overwrite_s3_backup_file') !== '1' && (await rds.storage.get(target)) !== undefined)
        throw new RdsTaskError(
          `S3 object ${target} already exists. Use @overwrite_s3_backup_file=1 to overwrite it.`,
        )
      await rds.storage.put(target, bytes)
    }
    if (kind === 'FULL') rds.backedUp.add(database.brokerGuid)
    return `${kind === 'FULL' ? 'BACKUP DATABASE' : 'BACKUP DATABASE WITH DIFFERENTIAL'} successfully processed.`
  }
  return { type: kind === 'FULL' ? 'BACKUP_DB' : 'BACKUP_DB_DIFFERENTIAL', work }
}

async function restore(
  server: ServerState,
  rds: RdsState,
  name: string,
  arn: string,
  kind: string,
  norecovery: boolean,
  kmsKey: string | null,
): Promise<void> {
  const before = server.databases.get(name.toLowerCase())
  if (kind === 'FULL' && before !== undefined)
    throw new RdsTaskError(
      `Database ${name} already exists. Two databases that differ only by case or accent are not allowed. Choose a different database name.`,
    )
  if (kind === 'DIFFERENTIAL' && (before === undefined || stateOf(before) !== 'RESTORING'))
    throw new RdsTaskError(
      'The log or differential backup cannot be restored because no files are ready to rollforward.',
    )
  const arns = arn.endsWith('*') ? await rds.storage.list(arn.slice(0, -1)) : [arn]
  const pieces: Uint8Array[] = []
  for (const each of arns) {
    const bytes = await rds.storage.get(each)
    if (bytes === undefined)
      throw new RdsTaskError(`Aborted the task because of a task failure: ${each} does not exist.`)
    pieces.push(bytes)
  }
  const { header, database } = readBackup(pieces, kmsKey)
  if (header.type !== kind) throw new RdsTaskError(`The backup is of type ${header.type}, not ${kind}.`)
  if (before !== undefined && before.brokerGuid !== header.family)
    throw new RdsTaskError(
      'This differential backup cannot be restored because the database has not been restored to the correct earlier state.',
    )
  if (before === undefined) server.nextDatabaseId += 1
  const restored: Database = {
    ...database,
    id: before?.id ?? server.nextDatabaseId,
    name,
    created: nowText(),
  }
  setState(restored, norecovery ? 'RESTORING' : 'ONLINE')
  server.databases.set(name.toLowerCase(), restored)
}

const stateOf = (database: Database) => database.options.get('options')?.state ?? 'ONLINE'

function setState(database: Database, state: string): void {
  database.options.set('options', { ...(database.options.get('options') as DatabaseOptions), state })
}

const COLUMNS: readonly (readonly [string, TdsType, (task: RdsTask) => TdsValue])[] = [
  ['task_id', INT, (task) => task.id],
  ['task_type', nvarchar(50), (task) => task.type],
  ['database_name', nvarchar(128), (task) => task.database],
  ['% complete', INT, (task) => task.percent],
  ['duration (mins)', INT, () => 0],
  ['lifecycle', nvarchar(50), (task) => task.lifecycle],
  ['task_info', nvarchar(-1), (task) => task.info],
  ['last_updated', DATETIME, (task) => task.updated],
  ['created_at', DATETIME, (task) => task.created],
  ['S3_object_arn', nvarchar(1024), (task) => task.arn],
  ['overwrite_s3_backup_file', INT, (task) => (task.overwrite ? 1 : 0)],
  ['KMS_master_key_arn', nvarchar(1024), (task) => task.kmsKey],
  ['filepath', nvarchar(512), () => null],
  ['overwrite_file', INT, () => null],
]

async function* answer(tasks: readonly RdsTask[]): AsyncGenerator<TdsEvent> {
  const columns = COLUMNS.map(([name, type]): TdsColumn => ({ name, type, nullable: true }))
  yield { kind: 'columns', columns }
  for (const task of tasks) yield { kind: 'row', values: COLUMNS.map(([, , read]) => read(task)) }
  yield { kind: 'done', rows: tasks.length }
}
