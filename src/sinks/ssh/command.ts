import { LifeboatError } from '../../core/errors.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import { orAborted } from '../../core/until-aborted.ts'
import type { CommandExit, RunningCommand } from './running-command.ts'
import type { SshSession } from './session.ts'

/** The login shell may be any; the script is for `sh`, with messages in English and files for the owner only. */
export function shLine(script: string): string {
  return `exec sh -c ${shellQuote(`umask 077; LC_ALL=C; export LC_ALL; ${script}`)}`
}

/** Runs a command that reads nothing. */
export async function runCommand(
  session: SshSession,
  what: string,
  script: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<CommandExit> {
  const { channel, exit } = await session.exec(shLine(script), signal)
  channel.end()
  try {
    return await session.answer(what, exit, timeoutMs, signal)
  } catch (thrown) {
    channel.close()
    throw thrown
  }
}

/** What a remote command said when it failed. */
export function commandError(action: string, path: string, exit: CommandExit): LifeboatError {
  const { stderr, code, signal } = exit
  const how =
    signal !== undefined ? `killed by ${signal}` : code === undefined ? 'it was cut off' : `exit code ${code}`
  const message = `unable to ${action} '${path}': ${stderr === '' ? how : `${stderr} (${how})`}`
  const there = shellQuote(path.slice(path.indexOf('/', 'ssh://'.length)))
  // dash and bash report a SIGXFSZ of `ulimit -f` as 128 + 25.
  if (
    /no space left|quota exceeded|file too large|file size limit/i.test(stderr) ||
    code === 153 ||
    signal === 'SIGXFSZ'
  ) {
    return new LifeboatError('sink-full', message, {
      hint: `Nothing of the object was kept; free space or raise the limit there (df -h ${there}; df -i; quota; ulimit -f), or write to another sink.`,
    })
  }
  if (/permission denied|read-only file system|operation not permitted|not a directory/i.test(stderr)) {
    return new LifeboatError('sink-denied', message, {
      hint: `Give the account there the right to it (ls -ld ${there}; findmnt -T ${there}), or name another folder.`,
    })
  }
  return new LifeboatError('sink-unavailable', message, {
    hint: 'Nothing of the object was kept; look at that host (dmesg | tail; uptime; df -h), then run again.',
  })
}

/** Lets a command end by itself after its input has ended, for a moment; then closes its channel. */
export async function endCommand({ channel, exit }: RunningCommand, graceMs: number): Promise<void> {
  channel.end()
  try {
    await orAborted(exit, AbortSignal.timeout(graceMs))
  } catch {
    channel.close()
  }
}
