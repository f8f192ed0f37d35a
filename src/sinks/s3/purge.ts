import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3'
import { failureName, isNotImplemented } from './explain.ts'
import type { Place } from './place.ts'

interface Version {
  /** Full key in the bucket. */
  readonly key: string
  readonly versionId: string
  readonly latest: boolean
}

const KEYS_AT_ONCE = 8

/**
 * Removes objects with every version and delete marker: in a bucket with versioning a plain delete hides the data and
 * keeps it. A bucket without versioning lists each object as its one version, `null`. Returns the keys of which something
 * was there.
 */
export async function purgeObjects(
  place: Place,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  const queue = keys.values()
  const worker = async () => {
    for (const key of queue) {
      const versions = await versionsOf(place, place.prefixed(key), signal)
      if (versions.length > 0) found.add(key)
      // The latest goes last: a purge that is cut off must not bring an older version to light.
      for (const version of versions.filter(({ latest }) => !latest)) {
        await deleteVersion(place, version, signal)
      }
      for (const version of versions.filter(({ latest }) => latest)) {
        await deleteVersion(place, version, signal)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(KEYS_AT_ONCE, keys.length) }, worker))
  return found
}

async function versionsOf(place: Place, key: string, signal: AbortSignal): Promise<readonly Version[]> {
  const found: Version[] = []
  let next: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}
  while (next !== undefined) {
    const from: { KeyMarker?: string; VersionIdMarker?: string } = next
    let page: ListObjectVersionsCommandOutput
    try {
      page = await place.call(
        { verb: 'list the versions in', noun: 'bucket', name: place.location.bucket },
        signal,
        (client, options) =>
          client.send(
            new ListObjectVersionsCommand({ Bucket: place.location.bucket, Prefix: key, ...from }),
            options,
          ),
      )
    } catch (thrown) {
      // An S3-compatible without versioning knows no call for it either: the object itself is all there is.
      if (isNotImplemented(thrown)) return [{ key, versionId: 'null', latest: true }]
      throw thrown
    }
    for (const { Key, VersionId, IsLatest } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      if (Key === key) found.push({ key, versionId: VersionId ?? 'null', latest: IsLatest !== false })
    }
    // Keys come in order: past the key itself come only others that it is a prefix of.
    const past = page.NextKeyMarker !== undefined && page.NextKeyMarker !== key
    next =
      page.IsTruncated === true && page.NextKeyMarker !== undefined && !past
        ? {
            KeyMarker: page.NextKeyMarker,
            ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
          }
        : undefined
  }
  return found
}

async function deleteVersion(place: Place, { key, versionId }: Version, signal: AbortSignal): Promise<void> {
  try {
    await place.call({ verb: 'delete a version of', noun: 'object', name: key }, signal, (client, options) =>
      client.send(
        new DeleteObjectCommand({ Bucket: place.location.bucket, Key: key, VersionId: versionId }),
        options,
      ),
    )
  } catch (thrown) {
    if (failureName(thrown) !== 'NoSuchKey' && failureName(thrown) !== 'NoSuchVersion') throw thrown
  }
}
