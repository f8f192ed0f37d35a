import { throwIfAborted } from '../../core/errors.ts'
import type { Sink } from '../../core/sink.ts'
import { byHandCommand } from './by-hand.ts'
import { deleteObjects } from './delete.ts'
import { listObjects } from './list.ts'
import { createPlace, type S3SinkOptions } from './place.ts'
import { purgeObjects } from './purge.ts'
import { readRange } from './read.ts'
import { statObject } from './stat.ts'
import { sweepUploads } from './sweep.ts'
import { writeObject } from './write.ts'

export type { S3SinkOptions, S3Timeouts } from './place.ts'
export { parseS3SinkUrl, type S3Location } from './url.ts'

/** A bucket of S3 or of an S3-compatible. Credentials are those of the SDK's default chain. */
export function createS3Sink(options: S3SinkOptions): Sink {
  const place = createPlace(options)
  return {
    scheme: 's3',
    name: place.name,
    traits: {
      // Both may be learned by the first write, at S3-compatibles.
      get exclusiveCreate() {
        return place.learned.exclusiveCreate === true
      },
      get attests() {
        return place.learned.checksum === undefined ? ('bytes' as const) : ('checksum' as const)
      },
      maxChunks: place.maxParts,
    },
    write: (key, body, writeOptions) => writeObject(place, key, body, writeOptions),
    async read(key, range, signal) {
      throwIfAborted(signal)
      return readRange(place, key, range, signal)
    },
    async stat(key, signal) {
      return (await statObject(place, key, signal))?.info
    },
    list: (prefix, signal) => listObjects(place, prefix, signal),
    async delete(keys, signal) {
      throwIfAborted(signal)
      await deleteObjects(place, keys, signal)
    },
    async purge(keys, signal) {
      throwIfAborted(signal)
      await purgeObjects(place, keys, signal)
    },
    async sweep(prefix, olderThan, signal) {
      throwIfAborted(signal)
      return sweepUploads(place, prefix, olderThan, signal)
    },
    byHand: (keys) => byHandCommand(place, keys),
    async [Symbol.asyncDispose]() {
      place.destroy()
    },
  }
}
