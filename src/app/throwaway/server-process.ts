import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { keepLast, startTool } from '../../core/tool-child.ts'

export interface ServerProcess extends AsyncDisposable {
  readonly pid: number | undefined
  /** Rejects, with the server's last words, if it ends by itself. */
  readonly ended: Promise<never>
}

export interface ServerCommand {
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What ends it quickest without leaving processes behind: what it holds is worth nothing. */
  readonly endWith: 'SIGKILL' | 'SIGQUIT' | 'SIGTERM'
}

const KILL_AFTER_MS = 10_000

/** A server as a child of this process; the signal only bounds its start, disposing ends it. */
export async function startServer(server: ServerCommand, signal: AbortSignal): Promise<ServerProcess> {
  const { name, command, args, env, endWith } = server
  throwIfAborted(signal)
  const child = await startTool(
    { name, command, args, ...(env && { env }) },
    new AbortController().signal,
    'ignore',
  )
  const stdout = keepLast(child.process.stdout, 8192)
  let stopping = false
  const exit = child.exit()
  const ended = exit.then((error): never => {
    const lines = `${stdout()}`.trim().split('\n').slice(-12).join('\n')
    throw new LifeboatError(
      error?.code === 'tool-missing' ? 'tool-missing' : 'tool-failed',
      `unable to keep throwaway server '${name}' running: ${error?.message ?? 'it ended by itself'}${lines === '' ? '' : `\n${lines}`}`,
      {
        hint:
          error?.hint ?? 'Read its own last lines above: memory, disk or a setting that it does not know.',
      },
    )
  })
  // Whoever disposes of it has no interest in how it ended.
  ended.catch(() => undefined)
  return {
    pid: child.process.pid,
    ended,
    async [Symbol.asyncDispose]() {
      if (stopping) return
      stopping = true
      child.process.kill(endWith)
      const timer = setTimeout(() => child.process.kill('SIGKILL'), KILL_AFTER_MS)
      await exit
      clearTimeout(timer)
    },
  }
}
