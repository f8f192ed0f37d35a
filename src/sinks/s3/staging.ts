import { throwIfAborted } from '../../core/errors.ts'
import type { Staging, StagingJournal } from '../../core/staging.ts'
import { createS3Sink } from './index.ts'
import { createPlace, type S3SinkOptions } from './place.ts'
import { purgeObjects } from './purge.ts'

export interface S3StagingOptions extends S3SinkOptions {
  readonly staged: StagingJournal
}

/** A bucket that a database server reads and writes by itself. */
export function createS3Staging({ staged, ...options }: S3StagingOptions): Staging {
  const encrypted = { ...options, sse: options.sse ?? 'kms' } as const
  const sink = createS3Sink(encrypted)
  const place = createPlace(encrypted)
  const { bucket } = options
  const entry = (key: string) => ({ sink: place.journalName, key: place.prefixed(key) })

  async function purge(keys: readonly string[], signal: AbortSignal): Promise<void> {
    throwIfAborted(signal)
    for (const key of keys) {
      await purgeObjects(place, [key], signal)
      await staged.closed(entry(key))
    }
  }

  return {
    sink,
    bucket,
    objectKey: (key) => place.prefixed(key),
    arn: (key) => `arn:${partitionOf(options.region)}:s3:::${bucket}/${place.prefixed(key)}`,
    async claim(keys) {
      for (const key of keys) await staged.opened(entry(key))
    },
    async release(keys) {
      for (const key of keys) await staged.closed(entry(key))
    },
    purge,
    async sweep(signal) {
      const root = place.prefixed('')
      const left = (await staged.left(place.journalName)).filter(({ key }) => key.startsWith(root))
      const keys = left.map(({ key }) => key.slice(root.length))
      await purge(keys, signal)
      return keys
    },
    async [Symbol.asyncDispose]() {
      place.destroy()
      await sink[Symbol.asyncDispose]()
    },
  }
}

/** The first step of every ARN: China and GovCloud are partitions of their own. */
function partitionOf(region = ''): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}
