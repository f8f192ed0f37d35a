import type { Clock } from '../../core/clock.ts'
import type { EngineContext, EngineEvent } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Staging } from '../../core/staging.ts'
import type { Binds, OracleConnection } from './connection.ts'
import { oraOf } from './failures.ts'
import { DOWNLOAD_FROM_S3, READ_TASK_LOG, UPLOAD_TO_S3 } from './rds-statements.ts'

const POLL_MS = 3_000
/** A task's log comes a while after its id. */
const LOG_POLLS = 100

export async function openStaging(context: EngineContext): Promise<Staging> {
  if (context.staging !== undefined) return await context.staging()
  throw new LifeboatError('usage', 'unable to use via=s3: no bucket was given', {
    hint: 'Add --staging s3://bucket/prefix?region=REGION-OF-THE-SERVER, a bucket that the S3 integration of the instance may use.',
  })
}

interface Transfer {
  readonly connection: OracleConnection
  readonly clock: Clock
  readonly staging: Staging
  readonly directory: string
  readonly onProgress: ((event: EngineEvent) => void) | undefined
}

/** Files that begin with `prefix` go into the folder `folder` of the bucket, under their own names. */
export async function uploadToS3(
  transfer: Transfer,
  { prefix, folder }: { readonly prefix: string; readonly folder: string },
  signal: AbortSignal,
): Promise<void> {
  const { staging, directory } = transfer
  const target = `${staging.objectKey(folder)}/`
  await runTask(
    transfer,
    UPLOAD_TO_S3,
    { p_bucket: staging.bucket, p_directory: directory, p_s3_prefix: target, p_files: prefix },
    'the upload to the bucket',
    signal,
  )
}

export async function downloadFromS3(transfer: Transfer, folder: string, signal: AbortSignal): Promise<void> {
  const { staging, directory } = transfer
  await runTask(
    transfer,
    DOWNLOAD_FROM_S3,
    { p_bucket: staging.bucket, p_directory: directory, p_s3_prefix: `${staging.objectKey(folder)}/` },
    'the download from the bucket',
    signal,
  )
}

async function runTask(
  { connection, clock, onProgress }: Transfer,
  statement: string,
  binds: Binds,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  const { p_task } = await connection.call(statement, binds, { p_task: { type: 'string' } }, signal)
  if (typeof p_task !== 'string' || !/^[\w-]+$/.test(p_task)) {
    throw new Error(`RDS gives a task an id, not '${String(p_task)}'`)
  }
  const file = `dbtask-${p_task}.log`
  onProgress?.({ kind: 'step', message: `${what}: task ${p_task}` })
  for (let missing = 0; ; ) {
    let lines: readonly string[] = []
    try {
      const rows = await connection.query(READ_TASK_LOG, { p_file: file }, signal)
      lines = rows.map(({ text }) => String(text ?? ''))
    } catch (thrown) {
      // Not written yet.
      if (![29283, 29280, 22288].includes(oraOf(thrown) ?? 0) || ++missing > LOG_POLLS) throw thrown
    }
    const text = lines.join('\n')
    if (/The task failed|\[ERROR *\]/i.test(text)) {
      throw new LifeboatError('tool-failed', `unable to finish ${what}: ${lines.slice(-6).join('\n')}`, {
        hint: `Read BDUMP/${file} at the server: the role of S3_INTEGRATION must be allowed what --staging names, in the same region.`,
      })
    }
    if (/The task finished successfully/i.test(text)) return
    await clock.sleep(POLL_MS, signal)
  }
}
