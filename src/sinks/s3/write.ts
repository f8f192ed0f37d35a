import { randomUUID } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { Bytes } from '../../core/bytes.ts'
import { throwIfAborted } from '../../core/errors.ts'
import type { ObjectInfo, WriteOptions } from '../../core/sink.ts'
import { type Chunk, cutChunks } from './chunks.ts'
import { commit, refuseExisting, type WriteJob } from './commit.ts'
import { failureStatus } from './explain.ts'
import { writeMultipart } from './multipart.ts'
import { sendProven } from './part.ts'
import type { Place } from './place.ts'
import { checkEncryption, storedAs } from './stored-as.ts'

export async function writeObject(
  place: Place,
  key: string,
  body: Bytes,
  { ifAbsent = false, signal }: WriteOptions,
): Promise<ObjectInfo> {
  throwIfAborted(signal)
  await place.checkCredentials(signal)
  let cleanup: AbortSignal | undefined
  const cleanupSignal = () => {
    cleanup ??= AbortSignal.timeout(place.timeouts.cleanupMs)
    return cleanup
  }
  const job: WriteJob = { key, id: randomUUID(), ifAbsent, signal, cleanupSignal }
  // Early news for long writes, and the only guard at a place that ignores If-None-Match.
  if (ifAbsent) await refuseExisting(place, job)
  const stop = new AbortController()
  const chunks = cutChunks(body, place.chunkBytes, AbortSignal.any([signal, stop.signal]))
  try {
    const first = await chunks.next()
    if (first.done === true) throw new Error('a stream was cut into no chunk at all')
    return first.value.last
      ? await putObject(place, job, first.value)
      : await writeMultipart(place, job, { first: first.value, rest: chunks, stop })
  } finally {
    await chunks.return(undefined)
  }
}

async function putObject(place: Place, job: WriteJob, chunk: Chunk): Promise<ObjectInfo> {
  if (job.ifAbsent && place.learned.exclusiveCreate !== true) await refuseExisting(place, job)
  const put = (signal: AbortSignal) =>
    sendProven(place, { bytes: chunk.bytes }, (proof) =>
      place.call({ verb: 'write', noun: 'object', name: job.key }, signal, (client, options) =>
        client.send(
          new PutObjectCommand({
            ...place.at(job.key),
            ...storedAs(place, job),
            ...(job.ifAbsent ? { IfNoneMatch: '*' } : {}),
            ...proof,
            Body: chunk.bytes,
          }),
          options,
        ),
      ),
    )
  return commit(place, job, {
    attempt: async () => {
      const { answer, checksum } = await put(job.signal)
      checkEncryption(place, answer.ServerSideEncryption)
      if (job.ifAbsent && place.learned.exclusiveCreate === undefined) {
        place.learned.exclusiveCreate = await refusesTheSameAgain(() => put(job.signal))
      }
      return { bytes: chunk.bytes.length, parts: 0, checksum }
    },
    sent: { bytes: chunk.bytes.length, parts: 0, checksum: undefined },
  })
}

/** The object is there with these very bytes: a place that honours If-None-Match must refuse to write them again. */
async function refusesTheSameAgain(put: () => Promise<unknown>): Promise<boolean | undefined> {
  try {
    await put()
    return false
  } catch (thrown) {
    if (failureStatus(thrown) === 412) return true
    // Two conditional writes at once: the place looks at the header, but this tells nothing for sure.
    if (failureStatus(thrown) === 409) return undefined
    throw thrown
  }
}
