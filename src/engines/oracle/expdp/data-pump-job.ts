import type { EngineEvent } from '../../../core/engine.ts'
import type { RunNames } from '../pieces.ts'
import type { Remap, TableExistsAction, TableName } from '../url-options.ts'
import { type ClientSetting, openClient } from './client-access.ts'
import { incompleteJob, runDataPumpClient } from './data-pump-client.ts'
import { listedName } from './parameter-file.ts'

/** The same job that DBMS_DATAPUMP is given by layout=datapump. */
export interface ExportJob {
  readonly names: RunNames
  readonly directory: string
  readonly schemas: readonly string[]
  readonly tables: readonly TableName[] | undefined
  readonly scn: string
  readonly pieceBytes: number
  /** 1 but on an Enterprise Edition. */
  readonly parallel: number
  readonly version: string
  readonly tolerated: ReadonlySet<number>
}

export interface ImportJob {
  readonly names: RunNames
  readonly directory: string
  readonly schemas: readonly string[]
  readonly tables: readonly TableName[] | undefined
  readonly remapSchemas: Remap
  readonly remapTablespaces: Remap
  readonly tableExistsAction: TableExistsAction
  readonly parallel: number
}

/**
 * Runs expdp until its job has completed: the pieces and the log lie in the directory then. A job that completed with
 * errors is a failure, but for numbers that the operator has said to tolerate.
 */
export async function runExpdp(
  setting: ClientSetting,
  job: ExportJob,
  onProgress: ((event: EngineEvent) => void) | undefined,
  signal: AbortSignal,
): Promise<void> {
  await using run = await openClient('expdp', setting, () => exportParameters(job))
  onProgress?.({ kind: 'step', message: `expdp runs the job ${job.names.job}` })
  const errors = await runDataPumpClient(run.tool, job.names.run, signal)
  const failed = errors.filter(({ ora }) => !job.tolerated.has(ora))
  if (failed.length > 0) throw incompleteJob('export', 'expdp', failed)
}

/** Runs impdp until its job has completed. What it said of errors is for the caller to judge, by the job's log. */
export async function runImpdp(
  setting: ClientSetting,
  job: ImportJob,
  onProgress: ((event: EngineEvent) => void) | undefined,
  signal: AbortSignal,
): Promise<{ readonly errors: number }> {
  await using run = await openClient('impdp', setting, () => importParameters(job))
  onProgress?.({ kind: 'step', message: `impdp runs the job ${job.names.job}` })
  const errors = await runDataPumpClient(run.tool, job.names.run, signal)
  return { errors: errors.length }
}

export function exportParameters(job: ExportJob): Readonly<Record<string, string | undefined>> {
  return {
    ...common(job),
    filesize: String(job.pieceBytes),
    flashback_scn: job.scn,
    version: job.version,
    // The run's own table lies in the account's schema.
    ...(job.tables === undefined && { exclude: `TABLE:"= '${job.names.run}'"` }),
  }
}

export function importParameters(job: ImportJob): Readonly<Record<string, string | undefined>> {
  return {
    ...common(job),
    table_exists_action: job.tableExistsAction,
    remap_schema: pairs(job.remapSchemas),
    remap_tablespace: pairs(job.remapTablespaces),
  }
}

function common(job: ExportJob | ImportJob): Readonly<Record<string, string | undefined>> {
  const { names, directory, schemas, tables, parallel } = job
  return {
    directory,
    dumpfile: names.pieces,
    logfile: names.log,
    job_name: names.job,
    ...(tables === undefined
      ? { schemas: schemas.map((schema) => listedName(schema)).join(',') }
      : { tables: tables.map(({ schema, table }) => listedName(schema, table)).join(',') }),
    parallel: parallel > 1 ? String(parallel) : undefined,
  }
}

function pairs(remap: Remap): string | undefined {
  if (remap.size === 0) return undefined
  return [...remap].map(([from, to]) => `${listedName(from)}:${listedName(to)}`).join(',')
}
