import type { Bytes } from '../../../core/bytes.ts'
import type { Part } from '../../../core/engine.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { CHUNK_BYTES, type ObjectInfo, type Sink } from '../../../core/sink.ts'

/** A file in the staging bucket as a part of the dump. */
export function stagedPart(sink: Sink, name: string, format: string, info: ObjectInfo): Part {
  return {
    name,
    format,
    estimateBytes: info.bytes,
    open: (signal) => readStaged(sink, info, signal),
    async release() {},
  }
}

/** Throws rather than ends if the object is no longer the one that was looked at: a version could be swapped under us. */
async function* readStaged(sink: Sink, info: ObjectInfo, signal: AbortSignal): Bytes {
  for (let offset = 0; offset < info.bytes; offset += CHUNK_BYTES) {
    const bytes = Math.min(CHUNK_BYTES, info.bytes - offset)
    yield await sink.read(info.key, { offset, bytes }, signal)
  }
  const after = await sink.stat(info.key, signal)
  const same =
    after?.bytes === info.bytes &&
    after.modified.getTime() === info.modified.getTime() &&
    JSON.stringify(after.attestation) === JSON.stringify(info.attestation)
  if (same) return
  throw new LifeboatError(
    'integrity',
    `unable to trust staged file '${info.key}': it changed while it was read`,
    {
      hint: 'Nothing was stored. Give a prefix that nobody else writes to with --staging, and run again.',
    },
  )
}
