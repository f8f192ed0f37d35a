import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import { isNotImplemented } from './explain.ts'
import { abortUpload } from './multipart.ts'
import type { Place } from './place.ts'

interface OpenUpload {
  /** Relative to the sink's root. */
  readonly key: string
  readonly uploadId: string
}

/** The example in S3's documentation, which some S3-compatibles give as the age of every upload: moto, gofakes3. */
const EXAMPLE_DATE = Date.parse('2010-11-10T20:48:33.000Z')

/**
 * Aborts uploads that nobody will complete: those of dead processes on this machine, which the journal knows, and those
 * that the place lists as begun before `olderThan`. Returns the keys.
 */
export async function sweepUploads(
  place: Place,
  prefix: string,
  olderThan: Date,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const swept = new Set<string>()
  const root = place.prefixed('')
  for (const entry of (await place.journal?.left(place.journalName)) ?? []) {
    if (!entry.key.startsWith(root + prefix)) continue
    const upload = { key: entry.key.slice(root.length), uploadId: entry.uploadId }
    if (!(await abortUpload(place, upload.key, upload.uploadId, signal))) continue
    await place.journal?.closed(entry)
    swept.add(upload.key)
  }
  for (const upload of await openUploads(place, prefix, olderThan, signal)) {
    if (await abortUpload(place, upload.key, upload.uploadId, signal)) swept.add(upload.key)
  }
  return [...swept]
}

async function openUploads(
  place: Place,
  prefix: string,
  olderThan: Date,
  signal: AbortSignal,
): Promise<readonly OpenUpload[]> {
  const root = place.prefixed('')
  const open: OpenUpload[] = []
  let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
  while (next !== undefined) {
    const from: { KeyMarker?: string; UploadIdMarker?: string } = next
    let page: ListMultipartUploadsCommandOutput
    try {
      page = await place.call(
        { verb: 'list the uploads of', noun: 'bucket', name: place.location.bucket },
        signal,
        (client, options) =>
          client.send(
            new ListMultipartUploadsCommand({
              Bucket: place.location.bucket,
              Prefix: root + prefix,
              ...from,
            }),
            options,
          ),
      )
    } catch (thrown) {
      // An S3-compatible without the call: the journal alone then knows what this machine left.
      if (isNotImplemented(thrown)) return open
      throw thrown
    }
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue
      // Some S3-compatibles ignore the prefix.
      if (!Key.startsWith(root + prefix) || begun(Initiated) >= olderThan) continue
      open.push({ key: Key.slice(root.length), uploadId: UploadId })
    }
    next =
      page.IsTruncated === true && page.NextKeyMarker !== undefined
        ? {
            KeyMarker: page.NextKeyMarker,
            ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
          }
        : undefined
  }
  return open
}

/** An age that is not known counts as none: another run may be writing. The journal knows those of this machine. */
function begun(initiated: Date | undefined): Date {
  return initiated === undefined || initiated.getTime() === EXAMPLE_DATE ? new Date() : initiated
}
