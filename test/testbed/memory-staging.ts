import type { Staging } from '../../src/core/staging.ts'
import { createMemorySink, type MemorySink } from './memory-sink.ts'

export interface MemoryStaging extends Staging {
  readonly sink: MemorySink
  readonly claimed: Set<string>
  /** What a database server would find under an ARN, and where it would write. */
  readonly storage: ServerStorage
  /** Thrown by purge, until it is taken away. */
  purgeFailure: Error | undefined
}

export interface ServerStorage {
  put(arn: string, bytes: Uint8Array): void
  get(arn: string): Uint8Array | undefined
  /** ARNs that begin so, in order. */
  list(prefix: string): readonly string[]
}

/** A staging bucket in memory: lifeboat sees it as Staging, a server of the testbed by ARNs. */
export function createMemoryStaging(): MemoryStaging {
  const sink = createMemorySink()
  const claimed = new Set<string>()
  const root = 'arn:aws:s3:::staging-bucket/some/prefix/'
  const keyOf = (arn: string) => {
    if (!arn.startsWith(root)) throw new Error(`${arn} is not in this bucket`)
    return arn.slice(root.length)
  }
  const staging: MemoryStaging = {
    sink,
    claimed,
    purgeFailure: undefined,
    bucket: 'staging-bucket',
    arn: (key) => root + key,
    objectKey: (key) => `some/prefix/${key}`,
    async claim(keys) {
      for (const key of keys) claimed.add(key)
    },
    async release(keys) {
      for (const key of keys) claimed.delete(key)
    },
    async purge(keys, signal) {
      if (staging.purgeFailure !== undefined) throw staging.purgeFailure
      await sink.delete(keys, signal)
      for (const key of keys) claimed.delete(key)
    },
    async left() {
      return []
    },
    async sweep() {
      return []
    },
    storage: {
      put(arn, bytes) {
        const key = keyOf(arn)
        if (!claimed.has(key)) throw new Error(`the server wrote '${key}', which nobody had claimed`)
        sink.objects.set(key, { info: { key, bytes: bytes.length, modified: new Date() }, data: bytes })
      },
      get: (arn) => sink.objects.get(keyOf(arn))?.data,
      list: (prefix) =>
        [...sink.objects.keys()]
          .map((key) => root + key)
          .filter((arn) => arn.startsWith(prefix))
          .sort(),
    },
    async [Symbol.asyncDispose]() {},
  }
  return staging
}
