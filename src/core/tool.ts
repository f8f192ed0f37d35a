import type { Bytes } from './bytes.ts'
import { LifeboatError, throwIfAborted } from './errors.ts'
import { createFeed, type Feed } from './feed.ts'
import { fullBuffers, keepLast, startTool, type ToolChild, type ToolCommand } from './tool-child.ts'
import { partlyRead } from './tool-error.ts'
import { createToolOutput } from './tool-output.ts'

export { findTool } from './find-tool.ts'
export type { ToolCommand } from './tool-child.ts'

export interface ToolSourceOptions {
  /** Looks at the last TAIL_BYTES of the output; false means that the end-of-dump trailer is missing. */
  readonly isComplete?: (tail: Buffer) => boolean
}

const TAIL_BYTES = 4096

/**
 * The output of a tool. The iteration ends well only if the tool exited 0 *and* left its trailer; otherwise it throws
 * `tool-failed`. Whoever stops reading early has the tool terminated, killed 5 s later.
 */
export async function* readTool(
  tool: ToolCommand,
  signal: AbortSignal,
  options: ToolSourceOptions = {},
): AsyncGenerator<Uint8Array> {
  using output = await createToolOutput()
  const wrapper = await fullBuffers(tool)
  const child = await startTool(tool, signal, 'ignore', { wrapper, stdout: output.theirs })
  // Given up, it is listened to no longer: what it leaves running may hold its output open.
  const end = () => (signal.aborted ? output[Symbol.dispose]() : output.toolEnded())
  child.process.then(end, end)
  let tail: Buffer = Buffer.alloc(0)
  let ended = false
  try {
    for await (const piece of output.read()) {
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
  } catch (thrown) {
    // Its outputs may have been cut, as the last way to end.
    throwIfAborted(signal)
    throw thrown
  } finally {
    if (!ended) {
      const stopped = child.stop()
      // What the tool has started itself, and its signal did not reach, ends at its next write.
      output[Symbol.dispose]()
      await stopped
    }
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
  const child = await startTool(tool, signal, 'pipe')
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
  let child: ToolChild | undefined
  let ended = false
  let failure: { readonly thrown: unknown } | undefined
  try {
    child = await startTool(tool, signal, 'pipe')
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
  } catch (thrown) {
    throwIfAborted(signal)
    throw thrown
  } finally {
    await feed.close()
    if (!ended) await child?.stop()
  }
}

/** False when the tool closed its stdin before the input's end: why it did is in its exit and its stderr. */
async function writeAll(child: ToolChild, feed: Feed): Promise<boolean> {
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
  const child = await startTool(tool, signal, 'ignore')
  const stdout = keepLast(child.process.stdout, 1024 * 1024)
  const stopped = await child.exit()
  if (stopped !== undefined) throw stopped
  return stdout()
}

function lastBytes(tail: Buffer, piece: Uint8Array): Buffer {
  if (piece.length >= TAIL_BYTES) return Buffer.from(piece.subarray(piece.length - TAIL_BYTES))
  return Buffer.concat([tail, piece]).subarray(-TAIL_BYTES)
}
