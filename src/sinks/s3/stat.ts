import {
  HeadBucketCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import type { ObjectInfo } from '../../core/sink.ts'
import { failureName, failureStatus } from './explain.ts'
import type { Place } from './place.ts'

/** What the place says about an object; `writeId` is the mark that our own writes leave. */
export interface StoredObject {
  readonly info: ObjectInfo
  readonly writeId: string | undefined
  readonly versionId: string | undefined
  /** Undefined where only a listing could be had: these credentials may write and list, but not read. */
  readonly head: HeadObjectCommandOutput | undefined
}

/** Under `x-amz-meta-…` of every object: settles whose object it is when an answer was lost. */
export const WRITE_ID = 'lifeboat-write'

/** Undefined where there is no such object; `sink-not-found` where there is no such bucket. */
export async function statObject(
  place: Place,
  key: string,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const deed = { verb: 'look at', noun: 'object', name: key } as const
  try {
    const head = await place.call(deed, signal, (client, options) =>
      client.send(new HeadObjectCommand({ ...place.at(key), ChecksumMode: 'ENABLED' }), options),
    )
    place.learned.bucketExists = true
    return {
      info: {
        key,
        bytes: head.ContentLength ?? 0,
        modified: head.LastModified ?? new Date(0),
        attestation: attestationOf(head),
        ...lockOf(head),
      },
      writeId: head.Metadata?.[WRITE_ID],
      versionId: head.VersionId,
      head,
    }
  } catch (thrown) {
    const status = failureStatus(thrown)
    if (status === 404) {
      await checkBucket(place, signal)
      return undefined
    }
    // The answer to a HEAD has no body, so no reason; and without the right to read or list S3 says 403 even of what
    // is not there. A listing is answered with the reason, or with the object.
    if (status === 403 || status === 400) return statByListing(place, key, signal)
    throw thrown
  }
}

async function statByListing(
  place: Place,
  key: string,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const { Bucket, Key } = place.at(key)
  const deed = { verb: 'look at', noun: 'object', name: key } as const
  const page = await place.call(deed, signal, (client, options) =>
    client.send(new ListObjectsV2Command({ Bucket, Prefix: Key, MaxKeys: 1 }), options),
  )
  const found = page.Contents?.find((object) => object.Key === Key)
  if (found === undefined) return undefined
  return {
    info: {
      key,
      bytes: found.Size ?? 0,
      modified: found.LastModified ?? new Date(0),
      ...(found.ETag === undefined ? {} : { attestation: { ETag: found.ETag } }),
    },
    writeId: undefined,
    versionId: undefined,
    head: undefined,
  }
}

/** A 404 to a HEAD doesn't say whether the object is missing or the bucket. */
async function checkBucket(place: Place, signal: AbortSignal): Promise<void> {
  if (place.learned.bucketExists) return
  const { bucket } = place.location
  try {
    await place.call({ verb: 'find', noun: 'bucket', name: bucket }, signal, (client, options) =>
      client.send(new HeadBucketCommand({ Bucket: bucket }), options),
    )
  } catch (thrown) {
    // Credentials that may not look at the bucket may still use it; any other answer counts.
    if (failureStatus(thrown) !== 403 || failureName(thrown) === 'ExpiredToken') throw thrown
  }
  place.learned.bucketExists = true
}

/** S3 leaves these headers out for who lacks s3:GetObjectRetention and s3:GetObjectLegalHold. */
function lockOf(head: HeadObjectCommandOutput): Pick<ObjectInfo, 'lockedUntil'> {
  if (head.ObjectLockLegalHoldStatus === 'ON') return { lockedUntil: 'held' }
  const until = head.ObjectLockRetainUntilDate
  return until === undefined ? {} : { lockedUntil: until }
}

/** What the place attests by itself, for the manifest. */
export function attestationOf(answer: Partial<HeadObjectCommandOutput>): Record<string, string> {
  const {
    ETag,
    ChecksumCRC32,
    ChecksumCRC64NVME,
    ChecksumSHA256,
    VersionId,
    ServerSideEncryption,
    Metadata,
  } = answer
  const facts = {
    ETag,
    CRC32: ChecksumCRC32,
    CRC64NVME: ChecksumCRC64NVME,
    SHA256: ChecksumSHA256,
    versionId: VersionId,
    encryption: ServerSideEncryption,
    write: Metadata?.[WRITE_ID],
  }
  return Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined),
  )
}
