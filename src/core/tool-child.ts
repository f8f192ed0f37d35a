import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { execa, type ResultPromise } from 'execa'
import { abortReason, type LifeboatError } from './errors.ts'
import { findTool } from './find-tool.ts'
import { descendantsOf, signalIfAlive } from './process-tree.ts'
import { redact, type Secret } from './secret.ts'
import { toolError } from './tool-error.ts'

/** How a tool is started. A command may have several words, so that a client can live in a container. */
export interface ToolCommand {
  /** As a person calls it, for messages: `mysqldump`. */
  readonly name: string
  readonly command: readonly [string, ...string[]]
  readonly args: readonly string[]
  /**
   * Added to the environment of the child, or with `undefined` taken out of it. Nothing secret: /proc shows it to the
   * same user.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Taken out of every text of the tool that is shown. */
  readonly secrets?: readonly Secret[]
  /** Turns the last lines of stderr into advice, where the tool's own message is known. */
  readonly explain?: (stderr: string) => { code?: LifeboatError['code']; hint?: string } | undefined
  /** Lines of stderr that are meant for programs: `explain` sees them, people don't. */
  readonly statusLine?: RegExp
}

const STDERR_BYTES = 8192
const KILL_AFTER_MS = 5_000
/** From SIGKILL to the end of what a tool has written. */
const LAST_WORDS_MS = 1_000

/** A tool that runs. */
export interface ToolChild {
  readonly process: ResultPromise<{ buffer: false; reject: false }>
  /** Waits for exit and for all output; the error to throw, or undefined on exit 0. */
  exit(): Promise<LifeboatError | undefined>
  /** Its last lines so far. */
  stderr(): string
  /** The error to throw for an exit that is a failure for another reason than its code. */
  failure(how: string): Promise<LifeboatError>
  /** Waits for exit. */
  hasFailed(): Promise<boolean>
  /** Terminates and waits. */
  stop(): Promise<void>
}

export interface ToolStart {
  /** Words before the command, of a program that starts it. */
  readonly wrapper?: readonly string[]
  /** Where its output goes, if not into a pipe of Node's. */
  readonly stdout?: Socket
}

export async function startTool(
  tool: ToolCommand,
  signal: AbortSignal,
  stdin: 'ignore' | 'pipe',
  { wrapper = [], stdout }: ToolStart = {},
): Promise<ToolChild> {
  if (signal.aborted) throw abortReason(signal)
  const [file, ...first] = [...(await deathSignal()), ...wrapper, ...tool.command]
  const child = execa(file as string, [...first, ...tool.args], {
    stdin,
    stdout: stdout ?? 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    forceKillAfterDelay: KILL_AFTER_MS,
    ...(tool.env === undefined ? {} : { env: tool.env }),
  }) as unknown as ToolChild['process']
  // Read always, keep little: a tool that writes to stderr for ever must neither block nor fill our memory.
  const stderr = keepLast(child.stderr, STDERR_BYTES)
  let ending: Promise<void> | undefined
  const end = () => {
    ending ??= endTool(child)
    return ending
  }
  const onAbort = () => void end()
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  child.finally(() => signal.removeEventListener('abort', onAbort))
  return {
    process: child,
    async exit() {
      const result = await child
      if (signal.aborted) return abortReason(signal)
      return result.failed ? toolError(tool, result, redact(stderr(), tool.secrets ?? [])) : undefined
    },
    stderr,
    async failure(how) {
      return toolError(tool, await child, redact(stderr(), tool.secrets ?? []), how)
    },
    async hasFailed() {
      return (await child).failed
    },
    async stop() {
      child.stdout?.destroy()
      await end()
      await child
    },
  }
}

/**
 * A wrapper script does not pass on that it is to end, and what it leaves running holds its outputs open: so all that
 * descend from the tool are told too, killed if that does not help, and at last no longer listened to.
 */
async function endTool(child: ToolChild['process']): Promise<void> {
  const heirs = child.pid === undefined ? [] : await descendantsOf(child.pid)
  // SIGKILL follows by itself: `forceKillAfterDelay`.
  child.kill('SIGTERM')
  child.stdin?.destroy()
  for (const heir of heirs) await signalIfAlive(heir, 'SIGTERM')
  if (await endsWithin(child, KILL_AFTER_MS)) return
  for (const heir of heirs) await signalIfAlive(heir, 'SIGKILL')
  if (await endsWithin(child, LAST_WORDS_MS)) return
  child.stdout?.destroy()
  child.stderr?.destroy()
}

async function endsWithin(child: ToolChild['process'], timeoutMs: number): Promise<boolean> {
  const timer = new AbortController()
  try {
    return await Promise.race([child.then(() => true), pause(timeoutMs, false, { signal: timer.signal })])
  } finally {
    timer.abort()
  }
}

/** Drains a stream, keeping its last bytes. Returns how to read them. */
export function keepLast(stream: Readable | null, bytes: number): () => string {
  let kept: Buffer = Buffer.alloc(0)
  stream?.on('data', (piece: Buffer) => {
    kept = Buffer.concat([kept, piece]).subarray(-bytes)
  })
  return () => kept.toString('utf8')
}

const OUTPUT_BUFFER = '256K'

/**
 * Dump tools write through stdio, which gives a pipe 4 KiB at a time: two thirds of their system calls, and a tenth of
 * all the time of a dump, go into that (measured with mysqldump 10.11). stdbuf(1) of coreutils gives them a real buffer.
 * It works through the dynamic linker, so only for a program of this machine, not for one inside a container.
 */
export async function fullBuffers(tool: ToolCommand): Promise<readonly string[]> {
  if (tool.command.length > 1) return []
  const found = await findTool(['/usr/bin/stdbuf', '/bin/stdbuf'], '')
  return found === undefined ? [] : [found, `--output=${OUTPUT_BUFFER}`]
}

let setpriv: Promise<readonly string[]> | undefined

/**
 * A tool must not outlive an agent that was killed by SIGKILL, or it would hold its snapshot open for ever:
 * setpriv(1) of util-linux 2.33 and later asks the kernel to terminate it then.
 */
function deathSignal(): Promise<readonly string[]> {
  setpriv ??= (async () => {
    const found = await findTool(['/usr/bin/setpriv', '/bin/setpriv'], '')
    if (found === undefined) return []
    const help = await execa(found, ['--help'], { reject: false })
    return String(help.stdout).includes('--pdeathsig') ? [found, '--pdeathsig', 'TERM', '--'] : []
  })()
  return setpriv
}
