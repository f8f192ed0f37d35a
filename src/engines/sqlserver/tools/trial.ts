import { type LifeboatError, toLifeboatError } from '../../../core/errors.ts'
import { readToolFile, type ToolOutput } from '../../../core/fifo.ts'
import type { Server } from '../server-access.ts'
import { openBcpAccess } from './bcp-access.ts'
import type { BulkTool } from './bulk-tool.ts'
import { createStallLimit } from './stall-limit.ts'

const TRIAL_MS = 60_000

/**
 * Whether Microsoft's bcp gets in and writes into a FIFO, on one row: a wrong driver, a TLS mode that it lacks, a
 * password that it won't take from a data source. Gives the reason why not.
 */
export async function tryBcp(
  tool: BulkTool,
  server: Server,
  signal: AbortSignal,
): Promise<LifeboatError | undefined> {
  try {
    await using access = await openBcpAccess(tool, server)
    using limit = createStallLimit('bcp', TRIAL_MS, signal)
    let said: ToolOutput | undefined
    const output = readToolFile(
      (path) => ({
        name: 'bcp',
        command: tool.command,
        args: ['SELECT 1 AS one', 'queryout', path, '-n', ...access.args],
        env: access.env,
        secrets: access.secrets,
      }),
      limit.signal,
      {
        failsOnStdout: true,
        inspect: (given) => {
          said = given
        },
      },
    )
    let bytes = 0
    for await (const piece of output) bytes += piece.length
    if (bytes > 0 && /^1 rows copied\.\s*$/m.test(said?.stdout ?? '')) return undefined
    return toLifeboatError(new Error(`bcp did not copy its one row: ${said?.stdout.trim() ?? ''}`))
  } catch (thrown) {
    // Whoever asks has another way; an interruption is no answer.
    if (signal.aborted) throw thrown
    return toLifeboatError(thrown)
  }
}
