import { setTimeout as delay } from 'node:timers/promises'
import type { Client, SFTPWrapper } from 'ssh2'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { orAborted } from '../../core/until-aborted.ts'
import { connectSsh, type SshConnection, type SshConnectOptions } from './connect.ts'
import { type RunningCommand, startCommand } from './running-command.ts'

/** One SSH connection. What waits on it waits no longer than it lives. */
export interface SshSession {
  readonly sftp: SFTPWrapper
  /** Aborted, with the reason, when the connection is gone. */
  readonly lost: AbortSignal
  /** Runs a command line in a channel of its own. */
  exec(command: string, signal: AbortSignal): Promise<RunningCommand>
  /** Waits for an answer: at most that long, and no longer than the connection and the signal last. */
  answer<T>(what: string, promise: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T>
}

export interface SshSessions extends AsyncDisposable {
  /** The connection that there is, or a new one where it was lost. */
  current(signal: AbortSignal): Promise<SshSession>
}

/** Keeps one connection for all calls, made when first needed and made anew when it was lost. */
export function createSshSessions(options: SshConnectOptions): SshSessions {
  const closed = new AbortController()
  let opening: Promise<SshConnection & { readonly session: SshSession }> | undefined

  async function open() {
    const connection = await connectSsh(options, closed.signal)
    return { ...connection, session: await startSession(connection, options) }
  }

  return {
    async current(signal) {
      for (;;) {
        opening ??= open()
        const mine = opening
        try {
          const { session } = await orAborted(mine, signal)
          if (!session.lost.aborted) return session
        } catch (thrown) {
          if (!signal.aborted && opening === mine) opening = undefined
          throw thrown
        }
        if (opening === mine) opening = undefined
      }
    },
    async [Symbol.asyncDispose]() {
      closed.abort(new LifeboatError('interrupted', `the connection to '${options.name}' was closed`))
      const opened = await opening?.catch(() => undefined)
      if (opened === undefined) return
      const { client, socket, session } = opened
      client.end()
      // A server that is gone never answers: it has a second to hang up.
      await orAborted(
        new Promise<void>((resolve) => {
          if (session.lost.aborted) resolve()
          else session.lost.addEventListener('abort', () => resolve())
        }),
        AbortSignal.timeout(1_000),
      ).catch(() => socket.destroy())
    },
  }
}

async function startSession(
  { client, socket }: SshConnection,
  options: SshConnectOptions,
): Promise<SshSession> {
  const lost = new AbortController()
  const lose = (code: 'sink-unavailable' | 'timed-out', reason: string) =>
    lost.abort(
      new LifeboatError(code, `unable to go on with '${options.name}': ${reason}`, {
        hint: 'What was whole before is safe and nothing half-written is visible; look at the network, then run again.',
      }),
    )
  client.removeAllListeners('error')
  client.removeAllListeners('close')
  client.on('error', (thrown) => {
    const silent = 'level' in thrown && thrown.level === 'client-timeout'
    if (silent) {
      lose('timed-out', `three keepalives, ${options.timeouts.keepaliveMs / 1000} s apart, went unanswered`)
    } else lose('sink-unavailable', `the connection broke: ${thrown.message}`)
    socket.destroy()
  })
  client.on('close', () => lose('sink-unavailable', 'the connection was closed'))
  client.on('end', () => lose('sink-unavailable', 'the connection was closed by the server'))

  async function answer<T>(
    what: string,
    promise: Promise<T>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new LifeboatError(
          'timed-out',
          `unable to ${what} at '${options.name}': no progress for ${timeoutMs / 1000} s`,
          {
            hint: 'Look at the load, the disk and the network of that host; …?stall-timeout=SECONDS waits longer.',
          },
        )
        reject(error)
      }, timeoutMs)
    })
    try {
      return await orAborted(orAborted(Promise.race([promise, late]), lost.signal), signal)
    } finally {
      clearTimeout(timer)
    }
  }

  const never = new AbortController().signal
  try {
    const sftp = await answer(
      'open SFTP',
      new Promise<SFTPWrapper>((resolve, reject) => {
        client.sftp((thrown, opened) =>
          thrown === undefined ? resolve(opened) : reject(noSftp(options, thrown)),
        )
      }),
      options.timeouts.connectMs,
      never,
    )
    sftp.on('error', (thrown: Error) => lose('sink-unavailable', `SFTP broke: ${thrown.message}`))
    // An SFTP server that ends takes every later answer with it: without this they would be waited for in vain.
    sftp.on('close', () => {
      lose('sink-unavailable', 'the SFTP server ended')
      client.end()
    })
    return {
      sftp,
      lost: lost.signal,
      async exec(command, signal) {
        const opened = openChannel(client, command, options)
        try {
          return await answer('start a command', opened, options.timeouts.stallMs, signal)
        } catch (thrown) {
          // A channel that comes after we gave up would keep its command waiting for input for ever.
          opened.then(
            ({ channel }) => channel.close(),
            () => undefined,
          )
          throw thrown
        }
      },
      answer,
    }
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
}

/** sshd counts a session against MaxSessions until it has cleared it away, a moment after it told its end. */
const OPEN_ATTEMPTS = 20
const OPEN_PAUSE_MS = 100
/** Reasons of CHANNEL_OPEN_FAILURE, RFC 4254, section 5.1: connect failed (what sshd says then), resource shortage. */
const TOO_MANY = [2, 4]

async function openChannel(
  client: Client,
  command: string,
  options: SshConnectOptions,
): Promise<RunningCommand> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startCommand(client, command)
    } catch (thrown) {
      const reason = thrown instanceof Error && 'reason' in thrown ? Number(thrown.reason) : 0
      if (!TOO_MANY.includes(reason) || attempt === OPEN_ATTEMPTS) {
        throw new LifeboatError(
          'sink-unavailable',
          `unable to run a command at '${options.name}': ${messageOf(thrown)}`,
          {
            hint: 'Look whether this account may run commands there (a ForceCommand, a restricted shell, MaxSessions in sshd_config).',
            cause: thrown,
          },
        )
      }
    }
    await delay(OPEN_PAUSE_MS)
  }
}

function noSftp(options: SshConnectOptions, cause: Error): LifeboatError {
  return new LifeboatError('sink-denied', `unable to open SFTP at '${options.name}': ${cause.message}`, {
    hint: "Switch it on there (a line 'Subsystem sftp internal-sftp' in /etc/ssh/sshd_config), or use another account.",
    cause,
  })
}
