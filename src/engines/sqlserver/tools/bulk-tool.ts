import type { EngineContext } from '../../../core/engine.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { findTool } from '../../../core/tool.ts'
import { keepLast, startTool } from '../../../core/tool-child.ts'

export type BulkToolName = 'bcp' | 'freebcp'

/** A program that copies a table to a file and back, found and asked who it is. */
export interface BulkTool {
  readonly name: BulkToolName
  readonly command: readonly [string, ...string[]]
  /** `18.4.1.1`; freebcp tells none. */
  readonly version: string
  /** Of Microsoft's: 17 and 18 differ in how they are told about TLS. */
  readonly major: number
}

const PACKAGES = {
  bcp: "Install Microsoft's package 'mssql-tools18' and put /opt/mssql-tools18/bin on PATH, or leave out tool=bcp.",
  freebcp: "Install the package 'freetds-bin', or leave out tool=freebcp.",
} as const

/** Undefined where it is not there, or is another program of that name: Sybase's is called bcp too. */
export async function findBulkTool(
  name: BulkToolName,
  context: EngineContext,
  signal: AbortSignal,
): Promise<BulkTool | undefined> {
  const path = await findTool([name], context.searchPath)
  const command = context.commands?.[name] ?? (path === undefined ? undefined : ([path] as const))
  if (command === undefined) return undefined
  const said = await askVersion(name, command, signal)
  if (name === 'freebcp') {
    return /freebcp/i.test(said) ? { name, command, version: 'unknown', major: 0 } : undefined
  }
  const version = /Microsoft SQL Server[\s\S]*?Version:?\s*(\d+(?:\.\d+)*)/i.exec(said)?.[1]
  return version === undefined ? undefined : { name, command, version, major: Number.parseInt(version, 10) }
}

export async function requireBulkTool(
  name: BulkToolName,
  context: EngineContext,
  signal: AbortSignal,
): Promise<BulkTool> {
  const tool = await findBulkTool(name, context, signal)
  if (tool !== undefined) return tool
  throw new LifeboatError(
    'tool-missing',
    `unable to find '${name}': no such program of ${name === 'bcp' ? 'Microsoft' : 'FreeTDS'} is on PATH`,
    { hint: PACKAGES[name] },
  )
}

/** Whatever it exits with: freebcp shows its usage, and with it its name, as a failure. */
async function askVersion(
  name: string,
  command: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<string> {
  const child = await startTool({ name, command, args: ['-v'] }, signal, 'ignore')
  const stdout = keepLast(child.process.stdout, 64 * 1024)
  const stopped = await child.exit()
  if (stopped !== undefined && stopped.code !== 'tool-failed') throw stopped
  return `${stdout()}\n${child.stderr()}`
}
