import { throwIfAborted } from '../../core/errors.ts'
import type { Staging, StagingJournal } from '../../core/staging.ts'
import { createS3Sink } from './index.ts'
import { createPlace, type S3SinkOptions } from './place.ts'
import { purgeObjects } from './purge.ts'

/** Longer than any task of a server that writes to the bucket. */
const LATE_MS = 3 * 24 * 3_600_000

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

  const root = place.prefixed('')
  async function left(leastAgeMs?: number): Promise<readonly string[]> {
    const entries = await staged.left(place.journalName, leastAgeMs)
    return entries.flatMap(({ key }) => (key.startsWith(root) ? [key.slice(root.length)] : []))
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
    left: () => left(),
    async sweep(signal) {
      const late = new Set(await left(LATE_MS))
      const removed: string[] = []
      for (const key of await left()) {
        throwIfAborted(signal)
        const found = await purgeObjects(place, [key], signal)
        if (found.has(key)) removed.push(key)
        if (found.has(key) || late.has(key)) await staged.closed(entry(key))
      }
      return removed
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
