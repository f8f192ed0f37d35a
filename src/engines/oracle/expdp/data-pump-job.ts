import { HARMLESS } from '../export-log.ts'
import type { ExportOrder, ImportOrder, JobOrder, JobRunner } from '../job-runner.ts'
import type { Remap } from '../url-options.ts'
import { type ClientSetting, openClient } from './client-access.ts'
import { incompleteJob, runDataPumpClient } from './data-pump-client.ts'
import { listedName } from './parameter-file.ts'

/**
 * By expdp and impdp. Ending one of them leaves its job running at the server: whoever gives a run up stops the job by
 * its name, as for any other.
 */
export function createClientRunner(setting: ClientSetting): JobRunner {
  return {
    async export(_connection, order, onProgress, signal) {
      await using run = await openClient('expdp', setting, () => exportParameters(order))
      onProgress?.({ kind: 'step', message: `export job ${order.names.job}: run by expdp` })
      const errors = await runDataPumpClient(run.tool, order.names.run, signal)
      const failed = errors.filter(({ ora }) => !order.tolerated.has(ora) && !HARMLESS.has(ora))
      if (failed.length > 0) throw incompleteJob('export', 'expdp', failed)
      return { errors: errors.length }
    },
    // What is a failure of an import depends on the kind of object, which the job's log tells in full.
    async import(_connection, order, onProgress, signal) {
      await using run = await openClient('impdp', setting, () => importParameters(order))
      onProgress?.({ kind: 'step', message: `import job ${order.names.job}: run by impdp` })
      const errors = await runDataPumpClient(run.tool, order.names.run, signal)
      return { errors: errors.length }
    },
  }
}

export function exportParameters(order: ExportOrder): Readonly<Record<string, string | undefined>> {
  return {
    ...common(order),
    filesize: String(order.pieceBytes),
    flashback_scn: order.scn,
    version: order.version,
    // The run's own table lies in the account's schema.
    ...(order.mode === 'SCHEMA' && { exclude: `TABLE:"= '${order.names.run}'"` }),
  }
}

export function importParameters(order: ImportOrder): Readonly<Record<string, string | undefined>> {
  return {
    ...common(order),
    table_exists_action: order.tableExistsAction,
    remap_schema: pairs(order.remapSchemas),
    remap_tablespace: pairs(order.remapTablespaces),
  }
}

function common(order: JobOrder): Readonly<Record<string, string | undefined>> {
  const { names, directory, mode, schemas, tables, parallel } = order
  return {
    directory: listedName(directory),
    dumpfile: names.pieces,
    logfile: names.log,
    job_name: names.job,
    ...(mode === 'SCHEMA'
      ? { schemas: schemas.map((schema) => listedName(schema)).join(',') }
      : { tables: tables.map(({ schema, table }) => listedName(schema, table)).join(',') }),
    parallel: parallel > 1 ? String(parallel) : undefined,
  }
}

function pairs(remap: Remap): string | undefined {
  if (remap.size === 0) return undefined
  return [...remap].map(([from, to]) => `${listedName(from)}:${listedName(to)}`).join(',')
}
