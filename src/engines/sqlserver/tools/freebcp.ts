import { LifeboatError } from '../../../core/errors.ts'
import { readToolFile, writeToolFile } from '../../../core/fifo.ts'
import type { ToolCommand } from '../../../core/tool.ts'
import { type TableModel, travelsAsData } from '../catalog/model.ts'
import { quoteName, quoteObject } from '../catalog/quote.ts'
import type { Server } from '../server-access.ts'
import type { BulkTool } from './bulk-tool.ts'
import { FIELD_END, ROW_END, unfitFor } from './freebcp-damage.ts'
import { scanRows } from './freebcp-scan.ts'
import { type FreetdsAccess, openFreetdsAccess } from './freetds-access.ts'
import { countRows, proveExport, proveImport, readCopied } from './proof.ts'
import { createStallLimit } from './stall-limit.ts'
import { STALL_MS, type TableTool } from './table-tool.ts'

export interface FreebcpOptions {
  readonly tool: BulkTool
  readonly server: Server
  readonly database: string
  readonly stallMs?: number
}

/** Each batch is a transaction of its own; freebcp can't do without. */
const BATCH_ROWS = '1000'

/** FreeTDS's freebcp, in character format: its native format is broken in all releases so far (FreeTDS issue 647). */
export function createFreebcp({ tool, server, database, stallMs = STALL_MS }: FreebcpOptions): TableTool {
  function commandFor(
    table: TableModel,
    direction: 'in' | 'out',
    path: string,
    access: FreetdsAccess,
  ): ToolCommand {
    const keepsIdentity = table.columns.some(({ identity }) => identity !== undefined)
    return {
      name: 'freebcp',
      command: access.command,
      args: [
        ...[`${quoteName(database)}.${quoteObject(table)}`, direction, path],
        // Without -T the server cuts large values at 4096 bytes in silence.
        ...['-c', '-t', FIELD_END.toString(), '-r', ROW_END.toString(), '-T', '2147483647', '-m', '1'],
        ...(direction === 'in' ? ['-h', 'KEEP_NULLS', '-b', BATCH_ROWS] : []),
        // Refused by the server for a table without such a column (8106).
        ...(direction === 'in' && keepsIdentity ? ['-E'] : []),
        ...access.args,
      ],
      env: access.env,
      secrets: access.secrets,
      explain: explainFreebcp,
    }
  }

  return {
    tool,
    format: 'freebcp',
    refusal,
    async *exportTable({ session, table, onCount }, signal): AsyncGenerator<Uint8Array> {
      const before = await countRows(session, table, signal)
      await using access = await openFreetdsAccess(tool, server, '7.2')
      using limit = createStallLimit('freebcp', stallMs, signal)
      let copied = -1
      let scanned = -1
      const output = readToolFile((path) => commandFor(table, 'out', path, access), limit.signal, {
        inspect: (said) => {
          copied = readCopied('freebcp', table, said)
        },
      })
      yield* scanRows(table, limit.watchOutput(output), (rows) => {
        scanned = rows
      })
      const after = await countRows(session, table, signal)
      if (scanned !== copied) throw differs(table, copied, scanned)
      proveExport('freebcp', table, { copied, before, after })
      onCount(copied)
    },
    async loadTable(session, table, bytes, signal) {
      const before = await countRows(session, table, signal)
      await using access = await openFreetdsAccess(tool, server, '7.4')
      using limit = createStallLimit('freebcp', stallMs, signal)
      let scanned = -1
      const checked = scanRows(table, bytes, (rows) => {
        scanned = rows
      })
      const said = await writeToolFile(
        (path) => commandFor(table, 'in', path, access),
        limit.watchInput(checked),
        limit.signal,
      )
      const copied = readCopied('freebcp', table, said)
      if (scanned !== copied) throw differs(table, copied, scanned)
      const after = await countRows(session, table, signal)
      proveImport('freebcp', table, { copied, before, after })
      return copied
    },
  }
}

function refusal(table: TableModel): string | undefined {
  if (!table.columns.some(travelsAsData)) return 'it has no column with data of its own'
  // It counts columns as SELECT * shows them, and a restored table may get its computed ones only later.
  if (table.columns.some(({ computed }) => computed !== undefined)) return 'it has computed columns'
  for (const column of table.columns) {
    const reason = unfitFor(column)
    if (reason !== undefined) return `column '${column.name}' is ${column.type}: ${reason}`
  }
  return undefined
}

function differs(table: TableModel, copied: number, scanned: number): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to trust 'freebcp' with table '${table.schema}.${table.name}': it says ${copied} rows, its file has ${scanned}`,
    { hint: 'Leave out tool=freebcp: the driver keeps every value as it is.' },
  )
}

function explainFreebcp(stderr: string): { code?: LifeboatError['code']; hint?: string } | undefined {
  if (/^Msg (?:18456|20002|20014)\b/m.test(stderr)) {
    return {
      code: 'engine-unreachable',
      hint: 'The driver signs in with the same name and password: if that works, leave out tool=freebcp.',
    }
  }
  if (/^Msg (?:20009|20012|20013)\b/m.test(stderr)) {
    return { code: 'engine-unreachable', hint: 'Check host, port and tls= of the URL.' }
  }
  return undefined
}
