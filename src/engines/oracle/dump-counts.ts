import type { TableCount } from '../../core/contents.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { ConnectionSource } from './connection.ts'
import { countAsOf } from './count.ts'
import { isLost, oraOf } from './failures.ts'
import type { JobLog } from './job-log.ts'
import { fullName } from './survey.ts'
import type { TableName } from './url-options.ts'

/** Rows as of the dump, or why they could not be counted. */
export type Counted = TableName & ({ readonly rows: number } | { readonly ora: number | undefined })

/** One session beside the job: the sooner a table is counted, the surer its undo is still there. */
export async function countBesideJob(
  source: ConnectionSource,
  tables: readonly TableName[],
  scn: string,
  signal: AbortSignal,
): Promise<readonly Counted[]> {
  await using connection = await source.open(signal)
  const counted: Counted[] = []
  for (const table of tables) {
    try {
      counted.push({ ...table, rows: await countAsOf(connection, table, scn, signal) })
    } catch (thrown) {
      if (signal.aborted || isLost(thrown) || oraOf(thrown) === undefined) throw thrown
      counted.push({ ...table, ora: oraOf(thrown) })
    }
  }
  return counted
}

/**
 * What was counted must be what Data Pump says it unloaded. A table that could not be counted (undo gone, DDL since,
 * no FLASHBACK) has the number of the log.
 */
export function settleCounts(
  counted: readonly Counted[],
  log: JobLog,
  readable: (name: string) => boolean,
): { readonly tables: readonly TableCount[]; readonly warnings: readonly string[] } {
  const differing: string[] = []
  const fromLog = new Map<string, string[]>()
  const unknown = new Map<string, string[]>()
  const hasRows = log.rows.size > 0
  const tables = counted.map((each): TableCount => {
    const name = fullName(each)
    const table = { database: each.schema, table: each.table }
    const unloaded = log.rows.get(name)
    if ('rows' in each) {
      if (hasRows && readable(name) && each.rows !== (unloaded ?? 0)) {
        differing.push(`${name}: ${each.rows} rows at the dump's moment, ${unloaded ?? 'none'} unloaded`)
      }
      return { ...table, rows: each.rows }
    }
    const cause = `ORA-${String(each.ora).padStart(5, '0')}`
    const group = unloaded === undefined ? unknown : fromLog
    group.set(cause, [...(group.get(cause) ?? []), name])
    return unloaded === undefined ? table : { ...table, rows: unloaded }
  })
  if (differing.length > 0) {
    throw new LifeboatError(
      'integrity',
      `unable to trust the export: ${differing.length} tables were not unloaded whole\n${differing.slice(0, 10).join('\n')}`,
      {
        hint: 'Nothing was stored. Look for policies that hide rows (ORA-39181) and for DDL during the run, then run again.',
      },
    )
  }
  const isSilent = !hasRows && counted.some((each) => 'rows' in each && each.rows > 0)
  return {
    tables,
    warnings: [
      ...[...fromLog].map(
        ([cause, names]) =>
          `the rows of ${shorten(names)} could not be counted as of the dump (${cause}): the numbers are those of the job's log`,
      ),
      ...[...unknown].map(
        ([cause, names]) =>
          `the rows of ${shorten(names)} could not be counted (${cause}), and the job's log has no number: a restore won't compare them`,
      ),
      ...(isSilent
        ? ["the job's log names no rows, so they were not compared with those that were counted"]
        : []),
    ],
  }
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more tables` : shown
}
