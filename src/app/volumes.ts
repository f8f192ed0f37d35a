import { createHash } from 'node:crypto'
import type { Bytes } from '../core/bytes.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Index, Volume } from '../core/manifest.ts'
import { CHUNK_BYTES, type Sink } from '../core/sink.ts'

export interface WrittenVolumes {
  readonly volumes: readonly Volume[]
  readonly objects: Index['objects']
  readonly bytes: number
}

export interface VolumeTarget {
  readonly sink: Sink
  /** Stored name of the part; volumes add `.000`, `.001` … where the place limits the size of an object. */
  readonly name: string
  readonly key: (name: string) => string
  /** Most chunks of one volume; Infinity keeps the stream in one object under the plain name. */
  readonly maxChunks: number
  readonly onBytes?: (bytes: number) => void
  /** SHA-256 unless a test runs several TiB through. */
  readonly newDigest?: () => Digest
}

interface Digest {
  update(piece: Uint8Array): unknown
  digest(encoding: 'hex'): string
}

/**
 * Cuts a stream of unknown length into volumes of at most the sink's most chunks, so that it never ends at the 10,000
 * parts that S3 allows one object, and takes the SHA-256 of every chunk on the way.
 */
export async function writeVolumes(
  target: VolumeTarget,
  body: Bytes,
  signal: AbortSignal,
): Promise<WrittenVolumes> {
  const { sink, maxChunks } = target
  const limited = Number.isFinite(maxChunks)
  const cutter = createCutter(body, target.newDigest ?? (() => createHash('sha256')), target.onBytes)
  const volumes: Volume[] = []
  const objects: Index['objects'] = {}
  let total = 0
  try {
    do {
      const name = limited ? `${target.name}.${String(volumes.length).padStart(3, '0')}` : target.name
      const volume = cutter.volume(maxChunks)
      const info = await sink.write(target.key(name), volume.body, { signal })
      if (!volume.ended() || info.bytes !== volume.bytes())
        throw sizeMismatch(sink, name, info.bytes, volume.bytes())
      volumes.push({
        name,
        bytes: info.bytes,
        ...(info.attestation && { attestation: { ...info.attestation } }),
      })
      objects[name] = { bytes: info.bytes, chunks: volume.chunks() }
      total += info.bytes
    } while (await cutter.more())
  } finally {
    await cutter.close()
  }
  return { volumes, objects, bytes: total }
}

function sizeMismatch(sink: Sink, name: string, stored: number, sent: number): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to trust object '${name}' at ${sink.name}: ${sent} bytes were sent, ${stored} are stored`,
    {
      hint: 'Nothing was committed. Check the sink (quota, proxy, another writer) and run the dump again.',
    },
  )
}

interface CutVolume {
  readonly body: Bytes
  ended(): boolean
  bytes(): number
  chunks(): string[]
}

/** Hands out a stream in consecutive volumes; within one, no piece crosses a chunk's border. */
function createCutter(input: Bytes, newDigest: () => Digest, onBytes?: (bytes: number) => void) {
  const iterator = input[Symbol.asyncIterator]()
  let rest: Uint8Array | undefined
  let done = false
  let pending = false

  /** At most `limit` bytes; undefined at the end of the input. */
  async function take(limit: number): Promise<Uint8Array | undefined> {
    if (!(await fill())) return undefined
    const piece = rest as Uint8Array
    const taken = piece.subarray(0, limit)
    rest = piece.length > limit ? piece.subarray(limit) : undefined
    return taken
  }

  async function fill(): Promise<boolean> {
    while (rest === undefined && !done) {
      pending = true
      const next = await iterator.next()
      pending = false
      if (next.done === true) done = true
      else if (next.value.length > 0) rest = next.value
    }
    return rest !== undefined
  }

  return {
    more: fill,
    async close() {
      if (done) return
      done = true
      const closed = iterator.return?.()
      // A generator answers return() only after its pending next(): a silent source would hold back the sink's error.
      if (pending) closed?.catch(() => undefined)
      else await closed
    },
    volume(maxChunks: number): CutVolume {
      const chunks: string[] = []
      let bytes = 0
      let ended = false
      async function* body(): AsyncGenerator<Uint8Array> {
        while (chunks.length < maxChunks) {
          let left = CHUNK_BYTES
          let hash: Digest | undefined
          for (let piece = await take(left); piece !== undefined; piece = await take(left)) {
            hash ??= newDigest()
            hash.update(piece)
            bytes += piece.length
            left -= piece.length
            onBytes?.(piece.length)
            yield piece
            if (left === 0) break
          }
          if (hash !== undefined) chunks.push(hash.digest('hex'))
          if (left > 0) break
        }
        ended = true
      }
      return { body: body(), ended: () => ended, bytes: () => bytes, chunks: () => chunks }
    },
  }
}
