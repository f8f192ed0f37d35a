import type { Bytes } from '../../../core/bytes.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { readToolFile, writeToolFile } from '../../../core/fifo.ts'
import type { ToolCommand } from '../../../core/tool.ts'
import type { ColumnModel, TableModel } from '../catalog/model.ts'
import { quoteObject, quoteText } from '../catalog/quote.ts'
import { dataColumns } from '../rows/select-text.ts'
import type { Server } from '../server-access.ts'
import type { Session } from '../session.ts'
import { type BcpAccess, openBcpAccess } from './bcp-access.ts'
import type { BulkTool } from './bulk-tool.ts'
import { nativeFormatFile } from './native-format.ts'
import { countRows, proveExport, proveImport, readCopied } from './proof.ts'
import { createStallLimit } from './stall-limit.ts'
import { type ExportWork, STALL_MS, type TableTool } from './table-tool.ts'

export interface BcpOptions {
  readonly tool: BulkTool
  readonly server: Server
  readonly database: string
  readonly stallMs?: number
}

/** Asked for; the server gives less where the connection is encrypted. */
const PACKET_BYTES = '32767'
/** Each batch is a transaction: all rows in one could fill the log of the target. */
const BATCH_ROWS = '100000'

/** Microsoft's bcp, 17 and 18, through a FIFO: https://learn.microsoft.com/sql/tools/bcp-utility. */
export function createBcp({ tool, server, database, stallMs = STALL_MS }: BcpOptions): TableTool {
  function commandFor(
    table: TableModel,
    direction: 'in' | 'out',
    path: string,
    formatFile: string,
    access: BcpAccess,
  ): ToolCommand {
    return {
      name: 'bcp',
      command: tool.command,
      args: [
        ...[quoteObject(table), direction, path, '-f', formatFile, `-d${database}`, '-q'],
        // One bad row ends it; the default is to skip ten.
        ...['-m', '1', '-a', PACKET_BYTES],
        ...(direction === 'in' ? ['-k', '-E', '-b', BATCH_ROWS] : []),
        ...access.args,
      ],
      env: access.env,
      secrets: access.secrets,
      explain: explainBcp,
    }
  }

  return {
    tool,
    format: 'bcp',
    refusal,
    async *exportTable(
      { session, table, onCount, onWarning }: ExportWork,
      signal,
    ): AsyncGenerator<Uint8Array> {
      const before = await countRows(session, table, signal)
      const formatText = nativeFormatFile(table.columns, await readPositions(session, table, signal))
      await using access = await openBcpAccess(tool, server)
      const formatFile = await access.file('rows.fmt', formatText)
      using limit = createStallLimit('bcp', stallMs, signal)
      let copied = 0
      const output = readToolFile(
        (path) => commandFor(table, 'out', path, formatFile, access),
        limit.signal,
        {
          failsOnStdout: true,
          inspect: (said) => {
            copied = readCopied('bcp', table, said)
          },
        },
      )
      yield* limit.watchOutput(output)
      const after = await countRows(session, table, signal)
      const warning = proveExport('bcp', table, { copied, before, after })
      if (warning !== undefined) onWarning(warning)
      onCount(copied)
    },
    async loadTable(session: Session, table: TableModel, bytes: Bytes, signal): Promise<number> {
      const before = await countRows(session, table, signal)
      const formatText = nativeFormatFile(table.columns, await readPositions(session, table, signal))
      await using access = await openBcpAccess(tool, server)
      const formatFile = await access.file('rows.fmt', formatText)
      using limit = createStallLimit('bcp', stallMs, signal)
      const said = await writeToolFile(
        (path) => commandFor(table, 'in', path, formatFile, access),
        limit.watchInput(bytes),
        limit.signal,
        { failsOnStdout: true },
      )
      const copied = readCopied('bcp', table, said)
      const after = await countRows(session, table, signal)
      proveImport('bcp', table, { copied, before, after })
      return copied
    },
  }
}

function refusal({ columns }: TableModel): string | undefined {
  if (dataColumns({ columns }).length === 0) return 'it has no column with data of its own'
  // bcp numbers the columns as SELECT * shows them: without hidden ones, and with a column set in place of sparse ones.
  if (columns.some(({ hidden }) => hidden)) return 'it has hidden columns'
  if (columns.some(({ columnSet }) => columnSet)) return 'it has a column set'
  return undefined
}

/** Where each column is in the table as it is there: a restored one may have its computed columns elsewhere. */
async function readPositions(
  session: Session,
  table: TableModel,
  signal: AbortSignal,
): Promise<(column: ColumnModel) => number> {
  const rows = await session.query(
    `SELECT name FROM sys.columns WHERE object_id = OBJECT_ID(${quoteText(quoteObject(table))}) ORDER BY column_id`,
    signal,
  )
  const positions = new Map(rows.map(({ name }, index) => [String(name), index + 1]))
  return ({ name }) => {
    const position = positions.get(name)
    if (position !== undefined) return position
    throw new LifeboatError(
      'integrity',
      `unable to carry the rows of table '${table.schema}.${table.name}': it has no column '${name}' any more`,
      { hint: 'The definition of the table has changed since it was read: run again.' },
    )
  }
}

function explainBcp(said: string): { code?: LifeboatError['code']; hint?: string } | undefined {
  if (/NativeError = 18456|Login failed/.test(said)) {
    return {
      code: 'engine-unreachable',
      hint: 'The driver signs in with the same name and password: if that works, leave out tool=bcp.',
    }
  }
  if (/Can't open lib|Data source name not found|file not found/.test(said)) {
    return { hint: "Install Microsoft's ODBC driver of the same version as bcp (package 'msodbcsql18')." }
  }
  return undefined
}
