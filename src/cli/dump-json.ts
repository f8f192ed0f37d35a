import type { DumpJobReport } from './dump-job.ts'
import { summarise } from './summary.ts'

/** What `--json` says of one dump. Counts only: names from inside the database stay in the encrypted contents. */
export function dumpJson({ dump, sink, copies, verified }: DumpJobReport): object {
  const { manifest, contents, durationMs } = dump
  return {
    ...summarise(manifest),
    sink,
    copies,
    verified: verified ? 'attested' : null,
    databases: contents.databases.length,
    tables: contents.tables.length,
    rows: contents.tables.reduce((sum, { rows = 0 }) => sum + rows, 0),
    durationMs,
  }
}
