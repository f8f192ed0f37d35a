import { availableParallelism } from 'node:os'
import type { Bytes } from '../core/bytes.ts'
import { throwIfAborted } from '../core/errors.ts'
import { createFeed } from '../core/feed.ts'
import { giveBack } from '../core/loan.ts'

export interface BlockOptions {
  readonly blockBytes: number
  /** Blocks that are compressed at once. */
  readonly workers: number
  readonly compress: (block: Uint8Array) => Promise<Uint8Array>
}

/**
 * libuv's pool has 4 threads by default and serves file access and name look-ups too: one stays free for them.
 * Three cores compress faster than any single dump tool writes.
 */
export function defaultWorkers(): number {
  return Math.min(availableParallelism(), 3)
}

/**
 * Cuts a stream into blocks and compresses several of them at once, keeping the order. Reads ahead of its reader by
 * `workers + 1` blocks, so that the source goes on while a sink waits. An empty stream is one empty block.
 */
export async function* compressBlocks(
  input: Bytes,
  { blockBytes, workers, compress }: BlockOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const feed = createFeed(input, signal)
  const jobs: Promise<Uint8Array | undefined>[] = []
  // Blocks are used again: a fresh MiB for each would be garbage faster than V8 collects it.
  const spare: Buffer[] = []
  let stopped = false
  let arrived = Promise.withResolvers<void>()
  let taken = Promise.withResolvers<void>()

  async function enqueue(job: Promise<Uint8Array | undefined>): Promise<void> {
    // The reader sees a rejection when it gets there; a reader that is gone must not leave it unhandled.
    job.catch(() => undefined)
    jobs.push(job)
    arrived.resolve()
    while (jobs.length > workers && !stopped) {
      taken = Promise.withResolvers()
      await taken.promise
    }
  }

  async function compressAndReuse(block: Buffer, bytes: number): Promise<Uint8Array> {
    const compressed = await compress(block.subarray(0, bytes))
    spare.push(block)
    return compressed
  }

  async function readAhead(): Promise<void> {
    let block: Buffer = Buffer.allocUnsafe(blockBytes)
    let filled = 0
    let blocks = 0
    for (let piece = await feed.next(); piece !== undefined && !stopped; piece = await feed.next()) {
      for (let offset = 0; offset < piece.length; ) {
        const bytes = Math.min(blockBytes - filled, piece.length - offset)
        block.set(piece.subarray(offset, offset + bytes), filled)
        filled += bytes
        offset += bytes
        if (filled < blockBytes) continue
        blocks += 1
        await enqueue(compressAndReuse(block, filled))
        if (stopped) return
        block = spare.pop() ?? Buffer.allocUnsafe(blockBytes)
        filled = 0
      }
      giveBack(piece)
    }
    if (filled > 0 || blocks === 0) await enqueue(compressAndReuse(block, filled))
  }

  const reading = readAhead().then(
    () => enqueue(Promise.resolve(undefined)),
    (thrown) => enqueue(Promise.reject(thrown)),
  )
  try {
    for (;;) {
      while (jobs.length === 0) {
        arrived = Promise.withResolvers()
        await arrived.promise
      }
      throwIfAborted(signal)
      const compressed = await (jobs[0] as Promise<Uint8Array | undefined>)
      jobs.shift()
      taken.resolve()
      if (compressed === undefined) break
      yield compressed
    }
    await reading
  } finally {
    stopped = true
    taken.resolve()
    await feed.close()
  }
}
