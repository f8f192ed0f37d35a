import { once } from 'node:events'
import { close, constants, open } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Bytes } from './bytes.ts'
import { abortReason, LifeboatError, throwIfAborted } from './errors.ts'
import { createFeed } from './feed.ts'
import { createPrivateFolder, type PrivateFolder } from './private-folder.ts'
import { redact } from './secret.ts'
import { runTool, type ToolCommand } from './tool.ts'
import { keepLast, startTool, type ToolChild } from './tool-child.ts'
import { partlyRead } from './tool-error.ts'

/** What a tool has said: the last 64 KiB of its stdout, the last 8 KiB of its stderr, without its secrets. */
export interface ToolOutput {
  readonly stdout: string
  readonly stderr: string
}

export interface ToolFileOptions {
  /** Called after exit 0, for a tool whose exit proves nothing: what it throws is the run's failure. */
  readonly inspect?: (output: ToolOutput) => void | Promise<void>
  /** For a tool that tells its errors on stdout: they belong into the message of a failure. */
  readonly failsOnStdout?: boolean
}

const STDOUT_BYTES = 64 * 1024
const STDOUT_LINES = 12

/**
 * The output of a tool that can only write to a named file, as a stream: the file is a FIFO in a private folder. Ends
 * well only if the tool exits 0; whether it ever opened the file is for the caller to prove (an empty table is 0 bytes).
 *
 * Node would open a FIFO in a thread of its pool, where open(2) waits for a writer; four tools that never come block
 * the pool for good. So it is opened without waiting (fifo(7): O_NONBLOCK succeeds at once for a reader) and read by
 * the event loop.
 */
export async function* readToolFile(
  toolFor: (path: string) => ToolCommand,
  signal: AbortSignal,
  options: ToolFileOptions = {},
): AsyncGenerator<Uint8Array> {
  await using folder = await createPrivateFolder()
  const path = await makeFifo(folder, signal)
  // A bare descriptor: the socket owns and closes it.
  const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const socket = new Socket({ fd, readable: true, writable: false })
  const given = new AbortController()
  const exit = waitForExit(toolFor(path), path, AbortSignal.any([signal, given.signal]), options)
  // Seen again by the await below; until then a failure must not count as unhandled.
  exit.catch(() => socket.destroy())
  let ended = false
  try {
    for await (const piece of socket as AsyncIterable<Buffer>) yield piece
    ended = true
    await exit
  } catch (thrown) {
    ended = true
    // A tool's own error says more than the stream that was cut by it.
    await exit
    throw thrown
  } finally {
    socket.destroy()
    if (!ended) {
      // Nobody reads on. Without a reader the tool would end at its next write, but it may never write again.
      given.abort()
      await exit.catch(() => undefined)
    }
  }
}

/** Runs the tool to its end; then an opening of ours makes sure that the reader sees an end, writer or not. */
async function waitForExit(
  tool: ToolCommand,
  path: string,
  signal: AbortSignal,
  options: ToolFileOptions,
): Promise<void> {
  const child = await startTool(tool, signal, 'ignore')
  // What it prints is chatter: the data is in the file.
  const stdout = keepLast(child.process.stdout, STDOUT_BYTES)
  await inspectExit(child, tool, stdout, options)
  try {
    await promisify(close)(await promisify(open)(path, constants.O_WRONLY | constants.O_NONBLOCK))
  } catch (thrown) {
    // ENXIO, nobody reads: the reader has had its end from the tool itself.
    if ((thrown as NodeJS.ErrnoException).code !== 'ENXIO') throw thrown
  }
}

const OPEN_AGAIN_MS = 10

/**
 * Feeds a stream to a tool that can only read a named file. Resolves with what the tool has said, only on exit 0 and if
 * it took all of the file; that it made anything of the last 64 KiB, which a FIFO holds, is for the caller to prove. A
 * tool that stops reading has its own error told, not the broken pipe.
 */
export async function writeToolFile(
  toolFor: (path: string) => ToolCommand,
  input: Bytes,
  signal: AbortSignal,
  options: ToolFileOptions = {},
): Promise<ToolOutput> {
  await using folder = await createPrivateFolder()
  const path = await makeFifo(folder, signal)
  const tool = toolFor(path)
  const feed = createFeed(input, signal)
  let child: ToolChild | undefined
  let exited = false
  let ended = false
  try {
    child = await startTool(tool, signal, 'ignore')
    const stdout = keepLast(child.process.stdout, STDOUT_BYTES)
    const gone = () => {
      exited = true
    }
    child.process.then(gone, gone)
    const fd = await openForTool(path, () => exited, signal)
    let accepted = false
    if (fd !== undefined) {
      const socket = new Socket({ fd, readable: false, writable: true })
      // The write reports the same failure through its callback; without a listener Node would end the process.
      socket.on('error', () => undefined)
      try {
        accepted = await writeAll(socket, feed.next, () => exited)
      } catch (thrown) {
        // Before our end is closed: a tool would take that for the end of the input.
        const running = child.process.nodeChildProcess
        if (!exited && running.exitCode === null && running.signalCode === null) {
          const exit = once(running, 'exit')
          child.process.kill('SIGTERM')
          await exit
        }
        throw thrown
      } finally {
        socket.destroy()
      }
    }
    ended = true
    const output = await inspectExit(child, tool, stdout, options)
    if (!accepted) throw partlyRead(tool)
    return output
  } finally {
    await feed.close()
    if (!ended) await child?.stop()
  }
}

/**
 * open(2) of a writer fails with ENXIO until a reader has opened, and nothing tells when that is. Opening for both ways
 * would succeed at once, but then a tool that dies would leave us as our own reader, waiting for ever.
 */
async function openForTool(
  path: string,
  hasExited: () => boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (;;) {
    throwIfAborted(signal)
    // Asked before, so that a tool which opened and ended in between is still given its file.
    const last = hasExited()
    try {
      return await promisify(open)(path, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENXIO') throw thrown
    }
    if (last) return undefined
    await delay(OPEN_AGAIN_MS, undefined, { signal }).catch(() => {
      throw abortReason(signal)
    })
  }
}

/** False when the tool closed the file before its end. */
async function writeAll(
  socket: Socket,
  next: () => Promise<Uint8Array | undefined>,
  hasExited: () => boolean,
): Promise<boolean> {
  for (let piece = await next(); piece !== undefined; piece = await next()) {
    const bytes = piece
    const accepted = await new Promise<boolean>((resolve) => {
      socket.write(bytes, (failure) => resolve(failure == null))
    })
    if (!accepted) return false
  }
  return !hasExited() && endOf(socket)
}

/** Resolves when all was handed to the kernel and our end is closed, so that the tool sees the end of the file. */
function endOf(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.end(() => {
      socket.destroy()
      resolve(true)
    })
  })
}

async function inspectExit(
  child: ToolChild,
  tool: ToolCommand,
  stdout: () => string,
  { inspect, failsOnStdout = false }: ToolFileOptions,
): Promise<ToolOutput> {
  const stopped = await child.exit()
  const secrets = tool.secrets ?? []
  const output = { stdout: redact(stdout(), secrets), stderr: redact(child.stderr(), secrets) }
  if (stopped !== undefined) {
    throw failsOnStdout && stopped.code === 'tool-failed' ? toldOnStdout(tool, stopped, output) : stopped
  }
  await inspect?.(output)
  return output
}

function toldOnStdout(tool: ToolCommand, stopped: LifeboatError, { stdout }: ToolOutput): LifeboatError {
  const explained = tool.explain?.(stdout)
  const lines = stdout.trim().split('\n').slice(-STDOUT_LINES).join('\n')
  return new LifeboatError(explained?.code ?? stopped.code, `${stopped.message}\n${lines}`.trim(), {
    hint: explained?.hint ?? stopped.hint,
    details: stopped.details,
  })
}

async function makeFifo(folder: PrivateFolder, signal: AbortSignal): Promise<string> {
  const path = `${folder.path}/fifo`
  await runTool({ name: 'mkfifo', command: ['mkfifo'], args: ['-m', '600', path] }, signal)
  return path
}
