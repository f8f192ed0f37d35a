import { LifeboatError } from '../../../core/errors.ts'
import type { ObjectInfo } from '../../../core/sink.ts'
import type { Staging } from '../../../core/staging.ts'
import type { BackupOptions } from './options.ts'
import { backupStatement } from './statements.ts'
import { runTask, type TaskContext } from './task.ts'

export interface BackupTarget {
  readonly task: TaskContext
  readonly staging: Staging
  readonly options: BackupOptions
}

/** What RDS makes of `stem.bak`, or of `stem-*.bak` with several files: it replaces the `*` by 1-of-n, 2-of-n …. */
export function fileNames(stem: string, files: number): readonly string[] {
  if (files === 1) return [`${stem}.bak`]
  return Array.from({ length: files }, (_, index) => `${stem}-${index + 1}-of-${files}.bak`)
}

/**
 * Has the server write one database to the staging bucket as `stem.bak` or `stem-1-of-n.bak` …, and returns what lies
 * there, in the order of the files. The names are claimed before the server may write them.
 */
export async function backupDatabase(
  { task, staging, options }: BackupTarget,
  database: string,
  stem: string,
  signal: AbortSignal,
): Promise<readonly ObjectInfo[]> {
  const keys = fileNames(stem, options.files)
  await staging.claim(keys)
  const arn = staging.arn(options.files === 1 ? `${stem}.bak` : `${stem}-*.bak`)
  const doing = `back up database '${database}'`
  await runTask(task, backupStatement(database, arn, options), doing, signal)
  return Promise.all(
    keys.map(async (key) => {
      const info = await staging.sink.stat(key, signal)
      if (info !== undefined && info.bytes > 0) return info
      const what = info === undefined ? 'is not there' : 'is empty'
      throw new LifeboatError('integrity', `unable to ${doing}: the task succeeded, but '${key}' ${what}`, {
        hint: 'Nothing was stored. Check that --staging names the bucket and region that the server writes to.',
      })
    }),
  )
}
