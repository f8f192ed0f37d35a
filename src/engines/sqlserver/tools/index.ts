import type { Server } from '../server-access.ts'
import { createBcp } from './bcp.ts'
import type { BulkTool } from './bulk-tool.ts'
import { createFreebcp } from './freebcp.ts'
import type { TableTool } from './table-tool.ts'

export { type BulkTool, type BulkToolName, findBulkTool, requireBulkTool } from './bulk-tool.ts'
export type { ExportWork, TableTool } from './table-tool.ts'
export { tryBcp } from './trial.ts'

/** The tool at work on one database of the server. */
export function createTableTool(tool: BulkTool, server: Server, database: string): TableTool {
  return tool.name === 'bcp'
    ? createBcp({ tool, server, database })
    : createFreebcp({ tool, server, database })
}
