import { runDump } from '../../src/app/dump.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { TableCount } from '../../src/core/contents.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { Signer } from '../../src/core/signing.ts'
import type { Sink } from '../../src/core/sink.ts'
import type { Stage } from '../../src/core/stage.ts'
import { createMemoryEngine, type MemoryPart } from './memory-engine.ts'

export interface BackupToStore {
  readonly job?: string
  readonly parts?: readonly MemoryPart[]
  readonly stages?: readonly Stage[]
  readonly signer?: Signer
  readonly tables?: readonly TableCount[]
  readonly counts?: 'exact' | 'off'
  readonly clock?: Clock
}

/** A backup at a sink, without a database: for tests of what comes after a dump. */
export async function storeBackup(sink: Sink, backup: BackupToStore = {}): Promise<Manifest> {
  const { parts = [{ name: 'shop', data: Buffer.from('SELECT 1') }], signer } = backup
  const { manifest } = await runDump(
    {
      engine: createMemoryEngine({ parts, tables: backup.tables ?? [] }),
      sink,
      stages: backup.stages ?? [],
      job: backup.job ?? 'shop',
      counts: backup.counts ?? 'exact',
      jobs: 1,
      stallTimeoutMs: 60_000,
      ...(signer !== undefined && { signer }),
      version: '0.0.0',
      journal: { opened: async () => undefined, closed: async () => undefined, left: async () => [] },
      clock: backup.clock ?? systemClock,
      onEvent: () => undefined,
    },
    new AbortController().signal,
  )
  return manifest
}

/** A clock that stands still where it is set. */
export function clockAt(time: string): Clock {
  return { ...systemClock, now: () => new Date(time) }
}
