import { LifeboatError } from '../../core/errors.ts'
import type { WriteJob } from './commit.ts'
import type { Place } from './place.ts'
import { WRITE_ID } from './stat.ts'

/** How an object is stored, as PutObject and CreateMultipartUpload take it. */
export function storedAs(place: Place, job: WriteJob) {
  const { sse, kmsKey, storageClass } = place.location
  return {
    ContentType: 'application/octet-stream',
    Metadata: { [WRITE_ID]: job.id },
    ...(sse === undefined
      ? {}
      : { ServerSideEncryption: sse === 'kms' ? ('aws:kms' as const) : ('AES256' as const) }),
    ...(kmsKey === undefined ? {} : { SSEKMSKeyId: kmsKey }),
    // The SDK's type is a list of today's classes; S3 itself refuses one that it doesn't know.
    ...(storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' }),
  }
}

/** An S3-compatible may ignore the header without a word. */
export function checkEncryption(place: Place, answer: string | undefined): void {
  const { sse } = place.location
  const promised = sse === undefined || answer === (sse === 'kms' ? 'aws:kms' : 'AES256')
  if (promised) return
  throw new LifeboatError('unsupported', `unable to write to sink '${place.name}': it ignores sse=${sse}`, {
    hint: 'Take sse= out of the sink URL (lifeboat encrypts by itself), or use a place that encrypts at rest.',
  })
}
