import { LifeboatError } from '../../../core/errors.ts'
import type { ToolOutput } from '../../../core/fifo.ts'
import type { TableModel } from '../catalog/model.ts'
import { quoteObject } from '../catalog/quote.ts'
import type { Session } from '../session.ts'
import type { BulkToolName } from './bulk-tool.ts'

/**
 * What a bulk tool says proves little: freebcp exits 0 when the server failed in the middle of the rows, when the
 * connection died, when it skipped rows. bcp skips up to -m rows. A run has succeeded only if it exited 0, says how many
 * rows it copied, complains of nothing, and the server counts as many.
 */
export function readCopied(tool: BulkToolName, table: TableModel, output: ToolOutput): number {
  const complaints = findComplaints(tool, output)
  if (complaints.length > 0) {
    throw new LifeboatError(
      'tool-failed',
      `unable to trust '${tool}' with table '${nameOf(table)}': it exited 0, but said\n${complaints.slice(0, 12).join('\n')}`,
      { hint: HINT },
    )
  }
  const counts = [...output.stdout.matchAll(/^(\d+) rows copied\.\s*$/gm)]
  const copied = counts.at(-1)?.[1]
  if (copied !== undefined) return Number(copied)
  throw new LifeboatError(
    'tool-failed',
    `unable to trust '${tool}' with table '${nameOf(table)}': it exited 0 without saying how many rows it copied`,
    { hint: HINT },
  )
}

const HINT = 'Run again, or leave out tool= so that lifeboat reads and writes the rows itself.'

/** Lines that are there on success too. */
const HARMLESS: Readonly<Record<BulkToolName, readonly RegExp[]>> = {
  // Number 0 is an information message: `Changed database context to 'shop'.`, with its text on the next line.
  freebcp: [
    /^Msg 0, Level 0(, State \d+)?\s*$/,
    /^Server '.*', Line \d+\s*$/,
    /^\s*Changed database context to /,
  ],
  // Said of every import with a format file; ours has no delimited column.
  bcp: [/^SQLState = \w+, NativeError = 0\s*$/, /^Error = .*Warning: BCP import with a format file /],
}

/** bcp complains on stdout, among its progress; freebcp on stderr. */
function findComplaints(tool: BulkToolName, { stdout, stderr }: ToolOutput): readonly string[] {
  const lines = stderr.split('\n')
  if (tool === 'bcp') lines.push(...stdout.split('\n').filter((line) => /^(?:SQLState|Error) = /.test(line)))
  const told = lines.filter((line) => line.trim() !== '')
  const harmful = told.filter((line) => !HARMLESS[tool].some((pattern) => pattern.test(line)))
  // The state of an error says nothing without its text, which would be harmful by itself.
  return harmful.length === 0 ? [] : told
}

export async function countRows(session: Session, table: TableModel, signal: AbortSignal): Promise<number> {
  const [row] = await session.query(`SELECT COUNT_BIG(*) AS n FROM ${quoteObject(table)}`, signal)
  return Number(row?.n ?? 0)
}

/** What was said when the rows were counted before and after an export, against what the tool copied. */
export function proveExport(
  tool: BulkToolName,
  table: TableModel,
  rows: { readonly copied: number; readonly before: number; readonly after: number },
): string | undefined {
  const { copied, before, after } = rows
  if (copied === before && copied === after) return undefined
  const moved = before !== after
  const isBetween = copied >= Math.min(before, after) && copied <= Math.max(before, after)
  // Of bcp, a clean exit says something; of freebcp, nothing does but the count.
  if (moved && isBetween && tool === 'bcp') {
    return `table '${nameOf(table)}' changed while bcp read it: ${before} rows before, ${after} after, ${copied} copied`
  }
  throw new LifeboatError(
    'integrity',
    `unable to trust '${tool}' with table '${nameOf(table)}': it copied ${copied} rows, the server counts ${before} before and ${after} after`,
    {
      hint: moved
        ? 'The table is being written to: leave out tool=, so that its rows are counted as they are read.'
        : HINT,
    },
  )
}

export function proveImport(
  tool: BulkToolName,
  table: TableModel,
  rows: { readonly copied: number; readonly before: number; readonly after: number },
): void {
  const { copied, before, after } = rows
  if (after - before === copied) return
  throw new LifeboatError(
    'integrity',
    `unable to trust '${tool}' with table '${nameOf(table)}': it says ${copied} rows, the server has taken ${after - before}`,
    { hint: HINT },
  )
}

function nameOf(table: TableModel): string {
  return `${table.schema}.${table.name}`
}
