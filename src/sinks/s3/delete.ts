import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { explainS3Failure, failureName, failureStatus, isNotImplemented } from './explain.ts'
import type { Place } from './place.ts'

/** S3's limit for one DeleteObjects. */
const BATCH_KEYS = 1000
const SINGLES_AT_ONCE = 8

export async function deleteObjects(
  place: Place,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < keys.length; from += BATCH_KEYS) {
    const batch = keys.slice(from, from + BATCH_KEYS)
    if (place.learned.batchDelete && (await deletedAsBatch(place, batch, signal))) continue
    await deleteOneByOne(place, batch, signal)
  }
}

/** False where the place doesn't know DeleteObjects. */
async function deletedAsBatch(place: Place, keys: readonly string[], signal: AbortSignal): Promise<boolean> {
  const deed = { verb: 'delete from', noun: 'bucket', name: place.location.bucket } as const
  try {
    const answer = await place.call(deed, signal, (client, options) =>
      client.send(
        new DeleteObjectsCommand({
          Bucket: place.location.bucket,
          Delete: { Quiet: true, Objects: keys.map((key) => ({ Key: place.prefixed(key) })) },
        }),
        options,
      ),
    )
    // A 200 as a whole may hold a refusal for each key.
    const failed = answer.Errors?.find(({ Code }) => Code !== 'NoSuchKey')
    if (failed === undefined) return true
    throw explainS3Failure(
      Object.assign(new Error(failed.Message ?? ''), { name: failed.Code ?? 'InternalError' }),
      { verb: 'delete', noun: 'object', name: failed.Key ?? '' },
      place.location,
    )
  } catch (thrown) {
    if (!isNotImplemented(thrown) && failureStatus(thrown) !== 400) throw thrown
    // 400: S3-compatibles that want the Content-MD5 of old (MissingContentMD5, InvalidRequest). Singles settle it.
    place.learned.batchDelete = false
    return false
  }
}

async function deleteOneByOne(place: Place, keys: readonly string[], signal: AbortSignal): Promise<void> {
  const queue = keys.values()
  const worker = async () => {
    for (const key of queue) {
      try {
        await place.call({ verb: 'delete', noun: 'object', name: key }, signal, (client, options) =>
          client.send(new DeleteObjectCommand(place.at(key)), options),
        )
      } catch (thrown) {
        if (failureName(thrown) !== 'NoSuchKey') throw thrown
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(SINGLES_AT_ONCE, keys.length) }, worker))
}
