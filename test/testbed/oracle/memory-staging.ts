import type { Staging } from '../../../src/core/staging.ts'
import { createMemorySink, type MemorySink } from '../memory-sink.ts'
import type { ScriptedOracle } from './server.ts'

/** A bucket that both lifeboat and the scripted servers reach. */
export function createMemoryStaging(...servers: readonly ScriptedOracle[]): {
  readonly bucket: MemorySink
  open(): Promise<Staging>
} {
  const bucket = createMemorySink()
  for (const server of servers) server.bucket = { name: 'stage', sink: bucket }
  return {
    bucket,
    open: async () => ({
      sink: bucket,
      bucket: 'stage',
      arn: (key) => `arn:aws:s3:::stage/${key}`,
      objectKey: (key) => key,
      claim: async () => undefined,
      release: async () => undefined,
      left: async () => [],
      sweep: async () => [],
      purge: (keys, signal) => bucket.delete(keys, signal),
      [Symbol.asyncDispose]: async () => undefined,
    }),
  }
}
