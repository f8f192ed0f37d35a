import type { Bytes } from '../../../core/bytes.ts'
import type { TableModel } from '../catalog/model.ts'
import type { Session } from '../session.ts'
import type { BulkTool } from './bulk-tool.ts'

/** A bulk tool at work on the tables of one database. */
export interface TableTool {
  readonly tool: BulkTool
  /** Of the parts that it writes and reads. */
  readonly format: 'bcp' | 'freebcp'
  /** Why it must not carry this table; the driver does then. */
  refusal(table: TableModel): string | undefined
  /**
   * The rows, as the tool writes them. Throws at the end unless it is proven that they are all there. The session is
   * used to count them, and must be free meanwhile.
   */
  exportTable(work: ExportWork, signal: AbortSignal): Bytes
  /** Loads what `exportTable` gave. Resolves with the rows, as the tool and the server agree on. */
  loadTable(session: Session, table: TableModel, bytes: Bytes, signal: AbortSignal): Promise<number>
}

export interface ExportWork {
  readonly session: Session
  readonly table: TableModel
  readonly onCount: (rows: number) => void
  readonly onWarning: (message: string) => void
}

/** How long a tool may keep us waiting before it is given up. */
export const STALL_MS = 15 * 60_000
