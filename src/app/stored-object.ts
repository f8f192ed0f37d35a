import { createHash } from 'node:crypto'
import type { Bytes } from '../core/bytes.ts'
import { abortReason, LifeboatError } from '../core/errors.ts'
import { CHUNK_BYTES, type Sink } from '../core/sink.ts'

/** One stored volume with the digests that it must have. */
export interface StoredObject {
  readonly name: string
  readonly key: string
  readonly bytes: number
  /** SHA-256 of each chunk of CHUNK_BYTES, hex. */
  readonly chunks: readonly string[]
}

/** Chunks on their way at once: enough to hide a region's distance, little enough for a small bastion's memory. */
const READ_AHEAD = 3
const STEP_BYTES = 1024 * 1024

/**
 * The stored bytes of several volumes in a row. Each chunk is checked before it is handed on, so nothing that was
 * damaged, cut, swapped or replaced after the dump ever reaches a decoder.
 */
export async function* readVerified(
  sink: Sink,
  objects: readonly StoredObject[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const closed = new AbortController()
  const both = AbortSignal.any([signal, closed.signal])
  const requests = chunkRequests(objects)
  const pending: Promise<Uint8Array>[] = []
  const start = () => {
    const next = requests.next()
    if (next.done === true) return
    const request = readChunk(sink, next.value, both)
    // It is awaited in its turn; until then a failure must not count as unhandled.
    request.catch(() => undefined)
    pending.push(request)
  }
  try {
    for (let ahead = 0; ahead < READ_AHEAD; ahead++) start()
    for (let chunk = pending.shift(); chunk !== undefined; chunk = pending.shift()) {
      const bytes = await chunk
      start()
      // In steps, so that what decoders make of it does not come 16 MiB at a time.
      for (let offset = 0; offset < bytes.length; offset += STEP_BYTES) {
        yield bytes.subarray(offset, offset + STEP_BYTES)
      }
    }
  } finally {
    closed.abort(new LifeboatError('interrupted', 'the reader stopped early'))
    await Promise.allSettled(pending)
  }
  if (signal.aborted) throw abortReason(signal)
}

interface ChunkRequest {
  readonly object: StoredObject
  readonly number: number
  readonly offset: number
  readonly bytes: number
  readonly sha256: string
}

function* chunkRequests(objects: readonly StoredObject[]): Generator<ChunkRequest> {
  for (const object of objects) {
    if (object.chunks.length !== Math.ceil(object.bytes / CHUNK_BYTES)) {
      throw new LifeboatError(
        'integrity',
        `unable to trust the index: '${object.name}' has ${object.bytes} bytes but ${object.chunks.length} chunk digests`,
      )
    }
    for (const [number, sha256] of object.chunks.entries()) {
      const offset = number * CHUNK_BYTES
      yield { object, number, offset, bytes: Math.min(CHUNK_BYTES, object.bytes - offset), sha256 }
    }
  }
}

async function readChunk(sink: Sink, chunk: ChunkRequest, signal: AbortSignal): Promise<Uint8Array> {
  const { object } = chunk
  const bytes = await sink.read(object.key, { offset: chunk.offset, bytes: chunk.bytes }, signal)
  if (bytes.length === chunk.bytes && createHash('sha256').update(bytes).digest('hex') === chunk.sha256)
    return bytes
  throw new LifeboatError(
    'integrity',
    `unable to trust object '${object.key}' at ${sink.name}: chunk ${chunk.number} (bytes ${chunk.offset} to ${chunk.offset + chunk.bytes - 1}) is not what was stored`,
    {
      hint: 'Nothing of this chunk was used. Restore another backup (lifeboat list), or fetch this one from a copy.',
    },
  )
}

/** Throws `integrity` unless the sink holds exactly the objects of the index, in their full length. */
export async function checkPresence(
  sink: Sink,
  objects: readonly StoredObject[],
  signal: AbortSignal,
): Promise<void> {
  for (const object of objects) {
    const info = await sink.stat(object.key, signal)
    if (info?.bytes === object.bytes) continue
    const reason = info === undefined ? 'it is missing' : `it has ${info.bytes} bytes, not ${object.bytes}`
    throw new LifeboatError(
      'integrity',
      `unable to trust object '${object.key}' at ${sink.name}: ${reason}`,
      {
        hint: 'This backup is incomplete. Use another one: lifeboat list shows them.',
      },
    )
  }
}

/** Reads a small object whole and checks its digest. */
export async function readWhole(
  sink: Sink,
  key: string,
  expected: { readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const info = await sink.stat(key, signal)
  const bytes =
    info?.bytes === expected.bytes
      ? await sink.read(key, { offset: 0, bytes: expected.bytes }, signal)
      : undefined
  if (bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === expected.sha256)
    return bytes
  const reason = info === undefined ? 'it is missing' : 'it is not what the manifest says'
  throw new LifeboatError('integrity', `unable to trust object '${key}' at ${sink.name}: ${reason}`, {
    hint: 'This backup is damaged. Use another one: lifeboat list shows them.',
  })
}

/** Applies decoders: the last stage that was applied is undone first. */
export function decodeAll(
  stored: Bytes,
  stages: readonly { decode(input: Bytes, signal: AbortSignal): Bytes }[],
  signal: AbortSignal,
): Bytes {
  return stages.reduceRight<Bytes>((bytes, stage) => stage.decode(bytes, signal), stored)
}
