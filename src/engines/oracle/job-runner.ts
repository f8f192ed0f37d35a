import type { Clock } from '../../core/clock.ts'
import type { EngineEvent } from '../../core/engine.ts'
import type { OracleConnection } from './connection.ts'
import { START_EXPORT, START_IMPORT } from './datapump-statements.ts'
import { followJob, type JobResult, startJob } from './job.ts'
import type { RunNames } from './pieces.ts'
import { quoteList } from './quote.ts'
import type { Remap, TableExistsAction, TableName } from './url-options.ts'

/** What both kinds of job are told. */
export interface JobOrder {
  readonly names: RunNames
  readonly directory: string
  readonly mode: 'SCHEMA' | 'TABLE'
  readonly schemas: readonly string[]
  /** In TABLE mode, all of one schema. */
  readonly tables: readonly TableName[]
  /** 1 but on an Enterprise Edition. */
  readonly parallel: number
}

export interface ExportOrder extends JobOrder {
  readonly scn: string
  readonly pieceBytes: number
  readonly version: string
  readonly tolerated: ReadonlySet<number>
}

export interface ImportOrder extends JobOrder {
  readonly remapSchemas: Remap
  readonly remapTablespaces: Remap
  readonly tableExistsAction: TableExistsAction
}

/**
 * Runs a job of Data Pump to its end, by whatever starts it. Resolves once it has COMPLETED, its pieces and its log in the
 * directory; what went wrong in it is for the caller to read in that log.
 */
export interface JobRunner {
  export(
    connection: OracleConnection,
    order: ExportOrder,
    onProgress: ((event: EngineEvent) => void) | undefined,
    signal: AbortSignal,
  ): Promise<JobResult>
  import(
    connection: OracleConnection,
    order: ImportOrder,
    onProgress: ((event: EngineEvent) => void) | undefined,
    signal: AbortSignal,
  ): Promise<JobResult>
}

/** By DBMS_DATAPUMP over the SQL connection: no client has to be installed. */
export function createPackageRunner(clock: Clock): JobRunner {
  return {
    async export(connection, order, onProgress, signal) {
      const { names } = order
      const binds = {
        ...common(order),
        p_version: order.version,
        p_piece_bytes: String(order.pieceBytes),
        p_run: names.run,
        p_scn: order.scn,
      }
      onProgress?.({ kind: 'step', message: `export job ${names.job}: starting` })
      const what = `export job '${names.job}'`
      const handle = await startJob(connection, { statement: START_EXPORT, binds, what }, clock, signal)
      return await followJob(connection, { handle, name: names.job, what }, onProgress, signal)
    },
    async import(connection, order, onProgress, signal) {
      const { names } = order
      const binds = {
        ...common(order),
        p_exists: order.tableExistsAction,
        p_remap_schemas: lines(order.remapSchemas),
        p_remap_tablespaces: lines(order.remapTablespaces),
      }
      const what = `import job '${names.job}'`
      const handle = await startJob(connection, { statement: START_IMPORT, binds, what }, clock, signal)
      return await followJob(connection, { handle, name: names.job, what }, onProgress, signal)
    },
  }
}

function common({ names, directory, mode, schemas, tables, parallel }: JobOrder) {
  return {
    p_mode: mode,
    p_job: names.job,
    p_pieces: names.pieces,
    p_directory: directory,
    p_log: names.log,
    p_schemas: quoteList(schemas),
    p_tables: mode === 'TABLE' ? quoteList(tables.map(({ table }) => table)) : '',
    p_parallel: parallel,
  }
}

function lines(remap: Remap): string {
  return [...remap].map(([from, to]) => `${from}\t${to}`).join('\n')
}
