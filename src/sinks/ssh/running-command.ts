import type { Client, ClientChannel } from 'ssh2'

export interface CommandExit {
  /** Undefined where the command was killed, or its end was never told. */
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly stderr: string
}

export interface RunningCommand {
  readonly channel: ClientChannel
  readonly exit: Promise<CommandExit>
}

const STDERR_BYTES = 4096

/** Its end is listened for at once: a quick command's may be in the very packet that tells of its start. */
export function startCommand(client: Client, command: string): Promise<RunningCommand> {
  return new Promise((resolve, reject) => {
    client.exec(command, (thrown, channel) => {
      if (thrown === undefined) resolve({ channel, exit: exitOf(channel) })
      else reject(thrown)
    })
  })
}

/** Resolves when the command has ended and all its output was read. Its stdout is thrown away. */
function exitOf(channel: ClientChannel): Promise<CommandExit> {
  let stderr = Buffer.alloc(0)
  let code: number | undefined
  let signal: string | undefined
  channel.stderr.on('data', (piece: Buffer) => {
    stderr = Buffer.concat([stderr, piece]).subarray(-STDERR_BYTES)
  })
  channel.on('exit', (status: number | null, name?: string) => {
    code = status ?? undefined
    signal = name
  })
  channel.resume()
  return new Promise((resolve) => {
    channel.on('close', () => resolve({ code, signal, stderr: stderr.toString('utf8').trim() }))
  })
}
