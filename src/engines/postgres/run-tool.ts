import type { Bytes } from '../../core/bytes.ts'
import { readTool, type ToolSourceOptions, writeTool } from '../../core/tool.ts'
import type { Server } from './connection.ts'
import { explainStderr } from './explain.ts'
import { openToolAccess } from './tool-access.ts'
import type { Tool } from './tools.ts'

export interface ToolRun {
  readonly tool: Tool
  readonly args: readonly string[]
  readonly database: string
}

/** The output of a tool that reads the server. Its password file lives exactly as long as it runs. */
export async function* readFromServer(
  server: Server,
  run: ToolRun,
  signal: AbortSignal,
  options: ToolSourceOptions = {},
): AsyncGenerator<Uint8Array> {
  await using access = await openToolAccess(server, run.tool.major)
  const args = [...run.args, `--dbname=${access.connectionString(run.database)}`]
  const { name, command } = run.tool
  yield* readTool(
    { name, command, args, env: access.env, secrets: access.secrets, explain: explainStderr },
    signal,
    options,
  )
}

/** Feeds a tool that writes into the server. `onStderr` gets what it said where it failed. */
export async function writeToServer(
  server: Server,
  run: ToolRun,
  input: Bytes,
  onStderr: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await using access = await openToolAccess(server, run.tool.major)
  const args = [...run.args, `--dbname=${access.connectionString(run.database)}`]
  const { name, command } = run.tool
  const explain = (stderr: string) => {
    onStderr(stderr)
    return explainStderr(stderr)
  }
  await writeTool({ name, command, args, env: access.env, secrets: access.secrets, explain }, input, signal)
}
