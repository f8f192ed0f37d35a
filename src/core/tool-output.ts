import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Bytes } from './bytes.ts'
import { LifeboatError, messageOf } from './errors.ts'
import { lend } from './loan.ts'
import { createPrivateFolder } from './private-folder.ts'

/** A read gives what a Unix socket holds, or less: several make a piece, for each costs every stage some 40 µs. */
const PIECE_BYTES = 512 * 1024
/** Less is not worth another read. */
const LEAST_ROOM = 64 * 1024
/** What a slow tool has written waits no longer for more. */
const LINGER_MS = 10
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
  const free: Buffer[] = []
  const waiting: Uint8Array[] = []
  /** Read into from `filled` on; what is before `taken` was handed over. */
  let filling: Buffer | undefined
  let filled = 0
  let taken = 0
  let linger: NodeJS.Timeout | undefined
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
      buffer() {
        filling ??= free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
        return filling.subarray(filled)
      },
      callback(bytes) {
        filled += bytes
        if (PIECE_BYTES - filled < LEAST_ROOM) handOver()
        else linger ??= setTimeout(handOverCopy, LINGER_MS)
        return waiting.length < MOST_WAITING
      },
    },
  })

  function handOver(): void {
    clearTimeout(linger)
    linger = undefined
    if (filling === undefined || filled === taken) return
    const whole = filling
    const piece = whole.subarray(taken, filled)
    lend(piece, () => free.push(whole))
    filling = undefined
    filled = 0
    taken = 0
    waiting.push(piece)
    wake()
  }
  /** The rest of the memory is what the next read goes into, as was said after the last. */
  function handOverCopy(): void {
    linger = undefined
    if (filling === undefined || filled === taken) return
    waiting.push(Buffer.from(filling.subarray(taken, filled)))
    taken = filled
    wake()
  }
  const end = (thrown?: unknown) => {
    handOver()
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
      clearTimeout(linger)
      theirs.destroy()
      ours.destroy()
    },
  }
}
