import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { abortReason, LifeboatError } from '../../core/errors.ts'
import type { ObjectInfo } from '../../core/sink.ts'
import { type Checksum, fieldsOf, type WholeChecksum } from './checksum.ts'
import type { Chunk } from './chunks.ts'
import { commit, refuseExisting, type Sent, type WriteJob } from './commit.ts'
import { failureName } from './explain.ts'
import { mayDislikeChecksums, sendProven } from './part.ts'
import type { Place } from './place.ts'
import { checkEncryption, storedAs } from './stored-as.ts'

interface Source {
  readonly first: Chunk
  readonly rest: AsyncIterable<Chunk>
  /** Wakes a source that waits for its body, once a part has failed. */
  readonly stop: AbortController
}

/** A multipart upload, and what is known about it. */
interface Upload {
  readonly id: string
  readonly checksum: { readonly algorithm: Checksum; readonly whole: WholeChecksum } | undefined
}

/**
 * The multipart loop is our own and not lib-storage's, which can't hold the sink's contract (3.1169): it gives its
 * requests no abort signal, so that aborting leaves parts and their memory on the wire, rejects without an
 * AbortMultipartUpload while a part stalls, and waits for the stalled part otherwise; it tells the upload id to nobody
 * before the first part; it takes part counts on trust for streams of unknown length, and drops CRC64NVME.
 */
export async function writeMultipart(place: Place, job: WriteJob, source: Source): Promise<ObjectInfo> {
  const upload = await createUpload(place, job)
  const entry = { sink: place.journalName, key: place.prefixed(job.key), uploadId: upload.id }
  let gone = false
  const giveUp = async () => {
    gone ||= await abortUpload(place, job.key, upload.id, job.cleanupSignal())
  }
  try {
    await place.journal?.opened(entry)
    const { parts, sent } = await sendParts(place, job, upload, source)
    const attempt = () => complete(place, job, upload, parts, sent)
    const stored = await commit(place, job, { attempt, sent, giveUp })
    gone = true
    return stored
  } catch (thrown) {
    await giveUp()
    throw thrown
  } finally {
    // What could not be aborted stays in the journal: a later run sweeps it.
    if (gone) await place.journal?.closed(entry)
  }
}

async function createUpload(place: Place, job: WriteJob): Promise<Upload> {
  const create = async (algorithm: Checksum | undefined): Promise<Upload> => {
    const answer = await place.call(
      { verb: 'begin', noun: 'object', name: job.key },
      job.signal,
      (client, options) =>
        client.send(
          new CreateMultipartUploadCommand({
            ...place.at(job.key),
            ...storedAs(place, job),
            ...(algorithm === undefined
              ? {}
              : { ChecksumAlgorithm: algorithm.name, ChecksumType: algorithm.type }),
          }),
          options,
        ),
    )
    if (answer.UploadId === undefined || answer.UploadId === '') {
      throw new LifeboatError(
        'unsupported',
        `unable to begin object '${job.key}': the place gave no upload id`,
        {
          hint: 'Check the endpoint in the sink URL: what answers there is not S3.',
        },
      )
    }
    const checksum = algorithm === undefined ? undefined : { algorithm, whole: algorithm.start() }
    const upload = { id: answer.UploadId, checksum }
    try {
      checkEncryption(place, answer.ServerSideEncryption)
    } catch (thrown) {
      await abortUpload(place, job.key, upload.id, job.cleanupSignal())
      throw thrown
    }
    return upload
  }
  try {
    return await create(place.learned.checksum)
  } catch (thrown) {
    if (!mayDislikeChecksums(place, thrown)) throw thrown
    const upload = await create(undefined)
    place.learned.checksum = undefined
    return upload
  }
}

/** Sends chunks as parts, a few at a time. The first failure stops the source and the other parts. */
async function sendParts(
  place: Place,
  job: WriteJob,
  upload: Upload,
  { first, rest, stop }: Source,
): Promise<{ parts: CompletedPart[]; sent: Sent }> {
  const parts: CompletedPart[] = []
  const underWay = new Set<Promise<void>>()
  const signal = AbortSignal.any([job.signal, stop.signal])
  const failures: unknown[] = []
  let number = 0
  let bytes = 0

  const fail = (thrown: unknown): void => {
    failures.push(thrown)
    stop.abort()
  }
  const send = async (chunk: Chunk, partNumber: number, sum: string | undefined): Promise<void> => {
    const { answer, checksum } = await sendProven(place, { bytes: chunk.bytes, sum }, (proof) =>
      place.call({ verb: 'write', noun: 'object', name: job.key }, signal, (client, options) =>
        client.send(
          new UploadPartCommand({
            ...place.at(job.key),
            UploadId: upload.id,
            PartNumber: partNumber,
            Body: chunk.bytes,
            ...proof,
          }),
          options,
        ),
      ),
    )
    if (answer.ETag === undefined) throw noETag(job, `part ${partNumber}`)
    const { algorithm } = upload.checksum ?? {}
    parts[partNumber - 1] = {
      PartNumber: partNumber,
      ETag: answer.ETag,
      ...(checksum === undefined || algorithm === undefined ? {} : fieldsOf(algorithm, checksum)),
    }
  }
  const begin = async (chunk: Chunk): Promise<void> => {
    number += 1
    bytes += chunk.bytes.length
    if (number > place.maxParts) throw tooManyParts(place, job)
    const sum = await upload.checksum?.algorithm.of(chunk.bytes)
    if (sum !== undefined) upload.checksum?.whole.add(chunk.bytes, sum)
    const giveBack = await place.slots.take(signal)
    const part = send(chunk, number, sum)
      .then(chunk.release, fail)
      .finally(() => {
        giveBack()
        underWay.delete(part)
      })
    underWay.add(part)
  }

  try {
    await begin(first)
    if (!first.last) for await (const chunk of rest) await begin(chunk)
  } catch (thrown) {
    // Woken by a part that failed, the source knows nothing better than that it was woken.
    if (failures.length === 0) fail(thrown)
  }
  await Promise.all(underWay)
  if (job.signal.aborted) throw abortReason(job.signal)
  if (failures.length > 0) throw failures[0]
  const confirmed = parts.filter((part) => part !== undefined).length
  if (confirmed !== number) throw new Error(`${confirmed} of ${number} parts of '${job.key}' were confirmed`)
  return { parts, sent: { bytes, parts: number, checksum: await upload.checksum?.whole.result() } }
}

async function complete(
  place: Place,
  job: WriteJob,
  upload: Upload,
  parts: CompletedPart[],
  sent: Sent,
): Promise<Sent> {
  // Also where If-None-Match is honoured for PutObject: not every place honours it for Complete.
  if (job.ifAbsent) await refuseExisting(place, job)
  const finish = async (algorithm: Checksum | undefined): Promise<Sent> => {
    const answer = await place.call(
      { verb: 'complete', noun: 'object', name: job.key },
      job.signal,
      (client, options) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...place.at(job.key),
            UploadId: upload.id,
            MultipartUpload: {
              Parts:
                algorithm === undefined ? parts.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })) : parts,
            },
            ...(job.ifAbsent ? { IfNoneMatch: '*' } : {}),
            ...(algorithm === undefined ? {} : wholeFields(algorithm, sent)),
          }),
          options,
        ),
    )
    // S3 sends its 200 before it is done; a failure then has a body of its own, and a proxy's 200 has no ETag.
    if (answer.ETag === undefined) throw noETag(job, 'the completed object')
    return algorithm === undefined ? { ...sent, checksum: undefined } : sent
  }
  // Learned meanwhile that the place confirms no checksums: then it has none to compare the whole with either.
  const algorithm = place.learned.checksum === undefined ? undefined : upload.checksum?.algorithm
  try {
    return await finish(algorithm)
  } catch (thrown) {
    // An S3-compatible that knows checksums of parts only.
    if (algorithm === undefined || !mayDislikeChecksums(place, thrown)) throw thrown
    return finish(undefined)
  }
}

/** Has S3 itself compare the whole object with what was sent, before it makes it appear. */
function wholeFields(algorithm: Checksum, sent: Sent) {
  if (algorithm.type === 'COMPOSITE' || sent.checksum === undefined) return {}
  return {
    ...fieldsOf(algorithm, sent.checksum),
    ChecksumType: algorithm.type,
    MpuObjectSize: sent.bytes,
  }
}

/** True once the upload is surely gone. Whatever fails here is found by the sweeper, through the journal or the place. */
export async function abortUpload(
  place: Place,
  key: string,
  uploadId: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await place.call({ verb: 'abort', noun: 'object', name: key }, signal, (client, options) =>
      client.send(new AbortMultipartUploadCommand({ ...place.at(key), UploadId: uploadId }), options),
    )
    return true
  } catch (thrown) {
    return failureName(thrown) === 'NoSuchUpload'
  }
}

function noETag({ key }: WriteJob, what: string): LifeboatError {
  return new LifeboatError('sink-unavailable', `unable to write object '${key}': no ETag came for ${what}`, {
    hint: 'Look for a proxy between here and the bucket that answers in its place, then run again.',
  })
}

function tooManyParts(place: Place, { key }: WriteJob): LifeboatError {
  return new LifeboatError(
    'internal',
    `unable to write object '${key}': it has more than ${place.maxParts} parts`,
    {
      hint: 'This is a defect of lifeboat, which should have begun another volume: please report it.',
    },
  )
}
