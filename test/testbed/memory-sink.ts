import { LifeboatError, throwIfAborted } from '../../src/core/errors.ts'
import { CHUNK_BYTES, type ObjectInfo, type Sink, type SinkTraits } from '../../src/core/sink.ts'
import { untilAborted } from '../../src/core/until-aborted.ts'

export interface StoredObject {
  readonly info: ObjectInfo
  /** Undefined where the object was too long to be kept: only counted. */
  readonly data: Uint8Array | undefined
}

export interface MemorySinkOptions {
  readonly traits?: Partial<SinkTraits>
  /** Longer objects are counted and forgotten, so that one of several TiB costs nothing. */
  readonly keepBytes?: number
  readonly now?: () => Date
}

export interface MemorySink extends Sink {
  /** What is stored, for tests to look at and to tamper with. */
  readonly objects: Map<string, StoredObject>
}

/** A sink that honours the contract in memory, and the limit of chunks per object that it states. */
export function createMemorySink(options: MemorySinkOptions = {}): MemorySink {
  const traits: SinkTraits = {
    exclusiveCreate: true,
    maxChunks: Number.POSITIVE_INFINITY,
    attests: 'bytes',
    ...options.traits,
  }
  const keepBytes = options.keepBytes ?? Number.POSITIVE_INFINITY
  const objects = new Map<string, StoredObject>()
  const exists = (key: string) =>
    new LifeboatError('sink-exists', `unable to create object '${key}': it exists already`)

  return {
    scheme: 'memory',
    name: 'memory://',
    traits,
    objects,
    async write(key, body, { ifAbsent = false, signal }) {
      throwIfAborted(signal)
      if (ifAbsent && objects.has(key)) throw exists(key)
      const pieces: Uint8Array[] = []
      let bytes = 0
      for await (const piece of untilAborted(body, signal)) {
        const before = bytes
        bytes += piece.length
        if (piece.length > 0 && Math.floor(before / CHUNK_BYTES) !== Math.floor((bytes - 1) / CHUNK_BYTES)) {
          throw new Error(`a piece of ${piece.length} bytes crosses a chunk border at offset ${before}`)
        }
        if (bytes > traits.maxChunks * CHUNK_BYTES) {
          throw new LifeboatError(
            'sink-full',
            `unable to write object '${key}': more than ${traits.maxChunks} chunks`,
            {
              hint: 'A volume must end at the most chunks that the sink states.',
            },
          )
        }
        if (bytes <= keepBytes) pieces.push(Uint8Array.from(piece))
        else pieces.length = 0
      }
      throwIfAborted(signal)
      if (ifAbsent && objects.has(key)) throw exists(key)
      const info = { key, bytes, modified: options.now?.() ?? new Date() }
      objects.set(key, { info, data: bytes <= keepBytes ? Buffer.concat(pieces) : undefined })
      return info
    },
    async read(key, { offset, bytes }, signal) {
      throwIfAborted(signal)
      const stored = objects.get(key)
      if (stored === undefined) {
        throw new LifeboatError('sink-not-found', `unable to read object '${key}': there is none`)
      }
      if (stored.data === undefined) throw new Error(`object '${key}' was counted, not kept`)
      if (offset + bytes > stored.data.length) {
        throw new LifeboatError(
          'integrity',
          `unable to read object '${key}': it has only ${stored.data.length} bytes`,
        )
      }
      return stored.data.subarray(offset, offset + bytes)
    },
    async stat(key, signal) {
      throwIfAborted(signal)
      return objects.get(key)?.info
    },
    async *list(prefix, signal) {
      throwIfAborted(signal)
      const found = [...objects.values()].map(({ info }) => info).filter(({ key }) => key.startsWith(prefix))
      yield* found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
    },
    async delete(keys, signal) {
      throwIfAborted(signal)
      for (const key of keys) objects.delete(key)
    },
    async sweep(_prefix, _olderThan, signal) {
      throwIfAborted(signal)
      return []
    },
    byHand: (keys) => keys.map((key) => `: '${key}' lies in memory`).join('; '),
    async [Symbol.asyncDispose]() {},
  }
}

/** A place like S3 that only counts what is longer than 1 MiB: for streams of several TiB. */
export function createCountingSink(maxChunks = 10_000): MemorySink {
  return createMemorySink({ traits: { maxChunks, attests: 'checksum' }, keepBytes: 1024 * 1024 })
}
