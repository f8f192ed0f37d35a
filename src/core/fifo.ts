import { close, constants, open } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import { createPrivateFolder } from './private-folder.ts'
import { readTool, runTool, type ToolCommand } from './tool.ts'

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
): AsyncGenerator<Uint8Array> {
  await using folder = await createPrivateFolder()
  const path = `${folder.path}/fifo`
  await runTool({ name: 'mkfifo', command: ['mkfifo'], args: ['-m', '600', path] }, signal)
  // A bare descriptor: the socket owns and closes it.
  const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const socket = new Socket({ fd, readable: true, writable: false })
  const exit = waitForExit(toolFor(path), path, signal)
  // Seen again by the await below; until then a failure must not count as unhandled.
  exit.catch(() => socket.destroy())
  try {
    for await (const piece of socket as AsyncIterable<Buffer>) yield piece
    await exit
  } catch (thrown) {
    // A tool's own error says more than the stream that was cut by it.
    await exit
    throw thrown
  } finally {
    socket.destroy()
  }
}

/** Runs the tool to its end; then an opening of ours makes sure that the reader sees an end, writer or not. */
async function waitForExit(tool: ToolCommand, path: string, signal: AbortSignal): Promise<void> {
  for await (const _output of readTool(tool, signal)) {
    // What it prints is chatter: the data is in the file.
  }
  try {
    await promisify(close)(await promisify(open)(path, constants.O_WRONLY | constants.O_NONBLOCK))
  } catch (thrown) {
    // ENXIO, nobody reads: the reader has had its end from the tool itself.
    if ((thrown as NodeJS.ErrnoException).code !== 'ENXIO') throw thrown
  }
}
