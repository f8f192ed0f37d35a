import type { EngineContext } from '../../core/engine.ts'
import type { Finding } from '../../core/finding.ts'
import type { ToolVersion } from '../../core/manifest.ts'
import type { SqlServerOptions } from './options.ts'
import { type BulkTool, type BulkToolName, findBulkTool, requireBulkTool } from './tools/index.ts'

/** The program that reads rows where no snapshot is to be had; undefined where the driver does it. */
export async function chooseTool(
  { tool }: Pick<SqlServerOptions, 'tool'>,
  context: EngineContext,
  signal: AbortSignal,
): Promise<BulkTool | undefined> {
  switch (tool) {
    case 'driver':
      return undefined
    case 'auto':
      return await findBulkTool('bcp', context, signal)
    default:
      return await requireBulkTool(tool, context, signal)
  }
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
