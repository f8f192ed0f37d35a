import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Bytes } from './bytes.ts'
import { LifeboatError, messageOf } from './errors.ts'
import { lend } from './loan.ts'
import { createPrivateFolder } from './private-folder.ts'

/** What a tool writes at once into a full buffer (see fullBuffers), and more than a Unix socket holds. */
const READ_BYTES = 256 * 1024
/** Pieces that were read and not yet taken. */
const MOST_WAITING = 2

/** A pair of sockets for the stdout of one tool. */
export interface ToolOutput extends Disposable {
  /** For the tool. */
  readonly theirs: Socket
  /** The stream ends once this is called and everything is read: execa takes a copy closed earlier for a failure. */
  toolEnded(): void
  /** Once only. Pieces are lent. */
  read(): Bytes
}

/**
 * Node's own pipe to a child allocates 64 KiB for each read. A socket that Node connects can be read into memory of ours
 * (`onread`), and Node makes no pair of them: so a server for one connection, in a folder that only we may enter. Throws
 * `config` where the path is too long for a socket: without /dev/shm it is below TMPDIR.
 */
export async function createToolOutput(parent?: string): Promise<ToolOutput> {
  const free: Uint8Array[] = []
  const waiting: Uint8Array[] = []
  let over = false
  let failure: { readonly thrown: unknown } | undefined
  let wake: () => void = () => undefined

  await using folder = await createPrivateFolder(parent)
  const path = `${folder.path}/out`
  const server = createServer({ pauseOnConnect: true })
  server.listen(path)
  try {
    await once(server, 'listening')
  } catch (thrown) {
    throw new LifeboatError('config', `unable to make a socket at '${path}': ${messageOf(thrown)}`, {
      hint: 'Set TMPDIR to a short path on a local disk, such as /tmp, and run again: a socket takes 107 bytes at most.',
      cause: thrown,
    })
  }
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const ours = connect({
    path,
    onread: {
      buffer: () => free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES),
      callback(bytes, buffer) {
        const piece = Buffer.from(buffer.buffer as ArrayBuffer, buffer.byteOffset, bytes)
        lend(piece, () => free.push(buffer))
        waiting.push(piece)
        wake()
        return waiting.length < MOST_WAITING
      },
    },
  })
  const end = (thrown?: unknown) => {
    over = true
    if (thrown !== undefined) failure ??= { thrown }
    wake()
  }
  ours.on('error', end)
  ours.on('end', () => end())
  ours.on('close', () => end())
  const [theirs] = await accepted
  // No more than one: who else came would be heard as the tool.
  server.close()

  return {
    theirs,
    toolEnded: () => void theirs.destroy(),
    async *read() {
      for (;;) {
        const piece = waiting.shift()
        if (piece !== undefined) {
          if (waiting.length < MOST_WAITING) ours.resume()
          yield piece
        } else if (failure !== undefined) throw failure.thrown
        else if (over) return
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
    [Symbol.dispose]() {
      theirs.destroy()
      ours.destroy()
    },
  }
}
