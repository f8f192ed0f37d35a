import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Readable } from 'node:stream'
import { execa, type ResultPromise } from 'execa'
import type { Bytes } from './bytes.ts'
import { abortReason, LifeboatError } from './errors.ts'
import { createFeed, type Feed } from './feed.ts'
import { redact, type Secret } from './secret.ts'

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

export interface ToolSourceOptions {
  /** Looks at the last TAIL_BYTES of the output; false means that the end-of-dump trailer is missing. */
  readonly isComplete?: (tail: Buffer) => boolean
}

const TAIL_BYTES = 4096
const STDERR_BYTES = 8192
const STDERR_LINES = 12
const KILL_AFTER_MS = 5_000

/**
 * The output of a tool. The iteration ends well only if the tool exited 0 *and* left its trailer; otherwise it throws
 * `tool-failed`. Whoever stops reading early has the tool terminated, killed 5 s later.
 */
export async function* readTool(
  tool: ToolCommand,
  signal: AbortSignal,
  options: ToolSourceOptions = {},
): AsyncGenerator<Uint8Array> {
  const child = await start(tool, signal, 'ignore', await fullBuffers(tool))
  let tail: Buffer = Buffer.alloc(0)
  let ended = false
  try {
    for await (const piece of child.process.stdout as AsyncIterable<Buffer>) {
      if (options.isComplete !== undefined) tail = lastBytes(tail, piece)
      yield piece
    }
    ended = true
    const stopped = await child.exit()
    if (stopped !== undefined) throw stopped
    if (options.isComplete !== undefined && !options.isComplete(tail)) {
      throw new LifeboatError(
        'tool-failed',
        `unable to trust the output of '${tool.name}': it exited 0 but its end-of-dump line is missing`,
        {
          hint: 'The dump is cut short and was not stored. Check the connection to the database and run again.',
        },
      )
    }
  } finally {
    if (!ended) await child.stop()
  }
}

export interface ToolTargetOptions {
  /**
   * What it means when the tool exits 0 before it has read everything: an error, or (pg_restore, which needs no more
   * than the last entry of an archive) a reason to read the rest for its digest alone.
   */
  readonly unread?: 'error' | 'drain'
}

/** Feeds a stream to a tool's stdin. Resolves with its stdout (bounded to the last 64 KiB) only on exit 0. */
export async function writeTool(
  tool: ToolCommand,
  input: Bytes,
  signal: AbortSignal,
  { unread = 'error' }: ToolTargetOptions = {},
): Promise<string> {
  const child = await start(tool, signal, 'pipe')
  const stdout = keepLast(child.process.stdout, 64 * 1024)
  const stdin = child.process.stdin
  if (stdin === null) throw new Error('the tool was started without a stdin')
  // The write below reports the same failure through its callback; without a listener Node would end the process.
  stdin.on('error', () => undefined)
  let ended = false
  let accepted = true
  try {
    for await (const piece of input) {
      if (accepted) {
        accepted = await new Promise<boolean>((resolve) => {
          stdin.write(piece, (failure) => resolve(failure == null))
        })
      }
      // EPIPE says only that the tool has stopped reading; whether and why it failed is in its exit and its stderr.
      if (!accepted && (unread === 'error' || (await child.hasFailed()))) break
    }
    if (accepted) stdin.end()
    ended = true
    const stopped = await child.exit()
    if (stopped !== undefined) throw stopped
    if (!accepted && unread === 'error') {
      throw partlyRead(tool)
    }
    return stdout()
  } finally {
    if (!ended) await child.stop()
  }
}

export interface ToolFilterOptions {
  /** Looks at the last lines of stderr when the tool has exited 0; false means that it doesn't say it is done. */
  readonly isComplete?: (stderr: string) => boolean
}

/**
 * Passes a stream through a tool, stdin to stdout, as fast as the slower side. The iteration ends well only if the tool
 * read everything and exited 0; an error of the input comes out unchanged, and then the tool is terminated.
 */
export async function* filterTool(
  tool: ToolCommand,
  input: Bytes,
  signal: AbortSignal,
  { isComplete }: ToolFilterOptions = {},
): AsyncGenerator<Uint8Array> {
  const feed = createFeed(input, signal)
  let child: Child | undefined
  let ended = false
  let failure: { readonly thrown: unknown } | undefined
  try {
    child = await start(tool, signal, 'pipe')
    const feeding = writeAll(child, feed).catch((thrown: unknown) => {
      failure = { thrown }
      // Closed in good order, its stdin would look like all of the input.
      child?.process.kill('SIGTERM')
      return false
    })
    for await (const piece of child.process.stdout as AsyncIterable<Buffer>) yield piece
    const stopped = await child.exit()
    ended = true
    if (failure === undefined && stopped !== undefined) throw stopped
    const accepted = await feeding
    if (failure !== undefined) throw failure.thrown
    if (!accepted) throw partlyRead(tool)
    if (isComplete?.(child.stderr()) === false)
      throw await child.failure('exit code 0, but it did not finish')
  } finally {
    await feed.close()
    if (!ended) await child?.stop()
  }
}

/** False when the tool closed its stdin before the input's end: why it did is in its exit and its stderr. */
async function writeAll(child: Child, feed: Feed): Promise<boolean> {
  const stdin = child.process.stdin
  if (stdin === null) throw new Error('the tool was started without a stdin')
  // The write below reports the same failure through its callback; without a listener Node would end the process.
  stdin.on('error', () => undefined)
  for (let piece = await feed.next(); piece !== undefined; piece = await feed.next()) {
    const next = piece
    const accepted = await new Promise<boolean>((resolve) => {
      stdin.write(next, (failure) => resolve(failure == null))
    })
    if (!accepted) return false
  }
  stdin.end()
  return true
}

/** Runs a tool that says little: `--version`, `--help`. Resolves with its stdout on exit 0. */
export async function runTool(tool: ToolCommand, signal: AbortSignal): Promise<string> {
  const child = await start(tool, signal, 'ignore')
  const stdout = keepLast(child.process.stdout, 1024 * 1024)
  const stopped = await child.exit()
  if (stopped !== undefined) throw stopped
  return stdout()
}

/** Full path of the first of the names that is on PATH (or is an executable path itself). */
export async function findTool(names: readonly string[], path: string): Promise<string | undefined> {
  for (const name of names) {
    const candidates = isAbsolute(name) ? [name] : path.split(delimiter).map((folder) => join(folder, name))
    for (const candidate of candidates) {
      try {
        await access(candidate, constants.X_OK)
        return candidate
      } catch {
        // Not there: the next one.
      }
    }
  }
  return undefined
}

interface Child {
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

async function start(
  tool: ToolCommand,
  signal: AbortSignal,
  stdin: 'ignore' | 'pipe',
  wrapper: readonly string[] = [],
): Promise<Child> {
  if (signal.aborted) throw abortReason(signal)
  const [file, ...first] = [...(await deathSignal()), ...wrapper, ...tool.command]
  const child = execa(file as string, [...first, ...tool.args], {
    stdin,
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cancelSignal: signal,
    forceKillAfterDelay: KILL_AFTER_MS,
    ...(tool.env === undefined ? {} : { env: tool.env }),
  }) as unknown as Child['process']
  // Read always, keep little: a tool that writes to stderr for ever must neither block nor fill our memory.
  const stderr = keepLast(child.stderr, STDERR_BYTES)
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
      child.kill('SIGTERM')
      child.stdin?.destroy()
      child.stdout?.destroy()
      await child
    },
  }
}

function partlyRead(tool: ToolCommand): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    `unable to trust '${tool.name}': it exited 0 but did not read everything it was given`,
    {
      hint: 'What it was given is loaded only in part. Check the tool (a wrapper script?) and run again.',
    },
  )
}

function toolError(
  tool: ToolCommand,
  result: Pick<Awaited<Child['process']>, 'code' | 'exitCode' | 'signal' | 'originalMessage'>,
  stderr: string,
  reason?: string,
): LifeboatError {
  const unstarted = notStarted(result.code, stderr)
  if (unstarted !== undefined) {
    return new LifeboatError('tool-missing', `unable to start '${tool.name}': ${unstarted}`, {
      hint: `Install the package that brings '${tool.name}', or put it on PATH.`,
    })
  }
  const told = stderr.split('\n').filter((line) => tool.statusLine?.test(line) !== true)
  const lines = told.join('\n').trim().split('\n').slice(-STDERR_LINES).join('\n')
  const explained = tool.explain?.(stderr)
  const how = reason ?? howItEnded(result)
  return new LifeboatError(
    explained?.code ?? 'tool-failed',
    `unable to run '${tool.name}': ${how}${lines === '' ? '' : `\n${lines}`}`,
    { hint: explained?.hint, details: { tool: tool.name, exitCode: result.exitCode, signal: result.signal } },
  )
}

function howItEnded({
  exitCode,
  signal,
  originalMessage,
}: Pick<Awaited<Child['process']>, 'exitCode' | 'signal' | 'originalMessage'>): string {
  if (signal !== undefined) return `killed by ${signal}`
  return exitCode === undefined ? (originalMessage ?? 'it could not be run') : `exit code ${exitCode}`
}

/** setpriv(1), or stdbuf(1), is what fails where the tool itself can't be executed; they exit 127 as a shell does. */
function notStarted(code: string | undefined, stderr: string): string | undefined {
  if (code === 'ENOENT' || code === 'EACCES') return code
  return /^(?:setpriv: failed to execute|\S*stdbuf: failed to run command) [^\n]*: ([^\n:]+)$/m.exec(
    stderr,
  )?.[1]
}

function lastBytes(tail: Buffer, piece: Uint8Array): Buffer {
  if (piece.length >= TAIL_BYTES) return Buffer.from(piece.subarray(piece.length - TAIL_BYTES))
  return Buffer.concat([tail, piece]).subarray(-TAIL_BYTES)
}

/** Drains a stream, keeping its last bytes. Returns how to read them. */
function keepLast(stream: Readable | null, bytes: number): () => string {
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
async function fullBuffers(tool: ToolCommand): Promise<readonly string[]> {
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
