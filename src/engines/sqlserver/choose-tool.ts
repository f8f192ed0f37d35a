import type { EngineContext } from '../../core/engine.ts'
import type { Finding } from '../../core/finding.ts'
import type { ToolVersion } from '../../core/manifest.ts'
import type { SqlServerOptions } from './options.ts'
import type { Server } from './server-access.ts'
import { type BulkTool, type BulkToolName, findBulkTool, requireBulkTool, tryBcp } from './tools/index.ts'

export interface ToolChoice {
  readonly options: Pick<SqlServerOptions, 'tool'>
  readonly context: EngineContext
  readonly server: Server
  /** Takes the reason why a program that is there is left out. */
  readonly warnings: string[]
}

/** The program that reads rows where no snapshot is to be had; undefined where the driver does it. */
export async function chooseTool(
  { options, context, server, warnings }: ToolChoice,
  signal: AbortSignal,
): Promise<BulkTool | undefined> {
  if (options.tool === 'driver') return undefined
  if (options.tool !== 'auto') return await requireBulkTool(options.tool, context, signal)
  const bcp = await findBulkTool('bcp', context, signal)
  // Nobody has asked for it: one that does not get in must not fail the dump.
  const failure = bcp === undefined ? undefined : await tryBcp(bcp, server, signal)
  if (failure === undefined) return bcp
  warnings.push(`bcp is installed, but the driver reads the rows: ${failure.message}`)
  return undefined
}

export interface ToolLook {
  readonly versions: readonly ToolVersion[]
  readonly findings: readonly Finding[]
}

const VENDORS: Readonly<Record<BulkToolName, string>> = { bcp: 'Microsoft', freebcp: 'FreeTDS' }

export async function lookAtTools(
  { tool: wanted }: Pick<SqlServerOptions, 'tool'>,
  context: EngineContext,
  signal: AbortSignal,
): Promise<ToolLook> {
  if (wanted === 'driver') return { versions: [], findings: [] }
  const name = wanted === 'auto' ? 'bcp' : wanted
  const tool = await findBulkTool(name, context, signal)
  if (tool !== undefined) {
    return {
      versions: [{ name, vendor: VENDORS[name], version: tool.version }],
      findings: [
        { level: 'ok', topic: name, message: `version ${tool.version} (${tool.command.join(' ')})` },
      ],
    }
  }
  if (wanted === 'auto') return { versions: [], findings: [] }
  const packages = { bcp: 'mssql-tools18', freebcp: 'freetds-bin' }
  return {
    versions: [],
    findings: [
      {
        level: 'failure',
        code: 'tool-missing',
        topic: name,
        message: `no such program of ${VENDORS[name]} is on PATH`,
        hint: `Install the package ${packages[name]}, or leave out tool=${name}: the driver reads and writes rows then.`,
      },
    ],
  }
}
