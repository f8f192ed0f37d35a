import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { LifeboatError } from '../../core/errors.ts'
import type { ObjectInfo } from '../../core/sink.ts'
import type { Place } from './place.ts'

export async function* listObjects(
  place: Place,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<ObjectInfo> {
  const root = place.prefixed('')
  let token: string | undefined
  let before: Buffer | undefined
  do {
    const ContinuationToken = token
    const page = await place.call(
      { verb: 'list', noun: 'bucket', name: place.location.bucket },
      signal,
      (client, options) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: place.location.bucket,
            Prefix: root + prefix,
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
          options,
        ),
    )
    for (const object of page.Contents ?? []) {
      if (object.Key === undefined) continue
      const bytes = Buffer.from(object.Key)
      // Directory buckets (S3 Express) list in no order; whoever reads pages as they come would miss backups.
      if (before !== undefined && Buffer.compare(before, bytes) >= 0) throw unordered(place)
      before = bytes
      yield {
        key: object.Key.slice(root.length),
        bytes: object.Size ?? 0,
        modified: object.LastModified ?? new Date(0),
        ...(object.ETag === undefined ? {} : { attestation: { ETag: object.ETag } }),
      }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    if (page.IsTruncated === true && token === undefined) throw brokenPage(place)
  } while (token !== undefined)
}

function unordered(place: Place): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to list bucket '${place.location.bucket}': its keys come in no order`,
    {
      hint: 'Use a general purpose bucket: directory buckets and some S3-compatibles list without order.',
    },
  )
}

function brokenPage(place: Place): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to list bucket '${place.location.bucket}': a page says that more follow but not how to ask for them`,
    { hint: 'Check the endpoint in the sink URL, and whether this S3-compatible knows ListObjectsV2.' },
  )
}
