import type { RunJournal } from '../../src/app/dead-runs.ts'
import { runDump } from '../../src/app/dump.ts'
import { createLease, type Lease } from '../../src/app/lease.ts'
import { createEncodeStages } from '../../src/app/registry.ts'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import type { Engine } from '../../src/core/engine.ts'
import type { Signer } from '../../src/core/signing.ts'
import type { Sink } from '../../src/core/sink.ts'
import { JOB } from './check-place.ts'
import type { ChaosPlan } from './plan.ts'

/** Short, so that what a dead agent blocks can be waited for. */
export const LEASE_MS = 1_000

export interface MemoryDump {
  readonly plan: ChaosPlan
  readonly engine: Engine
  readonly sink: Sink
  readonly journal: RunJournal
  readonly signer: Signer | undefined
  readonly recipient: string
  readonly clock: Clock
  readonly waitMs: number
  /** How long it stood before the lease, each time that it did. */
  readonly onLease?: (tookMs: number) => void
}

/** One dump of a memory engine, by the very use case that the command line runs. Resolves with the id. */
export async function dumpMemory(dump: MemoryDump, signal: AbortSignal): Promise<string> {
  const { plan, engine, sink, journal, signer, clock, waitMs } = dump
  const version = '0.0.0'
  const onEvent = () => undefined
  await using lease = createLease({ sink, job: JOB, ttlMs: LEASE_MS, waitMs, version, clock, onEvent })
  const { manifest } = await runDump(
    {
      engine,
      sink,
      stages: await createEncodeStages({
        codec: plan.codec,
        level: undefined,
        recipients: plan.encrypted ? [dump.recipient] : [],
      }),
      job: JOB,
      counts: 'exact',
      jobs: plan.jobs,
      stallTimeoutMs: 1_000,
      maxChunks: plan.maxChunks,
      ...(plan.signed && signer !== undefined && { signer }),
      ...(plan.leased && { lease: dump.onLease === undefined ? lease : withTimeTold(lease, dump.onLease) }),
      version,
      journal,
      clock,
      onEvent,
    },
    signal,
  )
  return manifest.id
}

function withTimeTold(lease: Lease, onLease: (tookMs: number) => void): Lease {
  async function told(work: Promise<void>): Promise<void> {
    const beganMs = performance.now()
    await work.finally(() => onLease(performance.now() - beganMs))
  }
  return {
    awaitFree: (signal) => told(lease.awaitFree(signal)),
    take: (run, signal) => told(lease.take(run, signal)),
    [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
  }
}

/** Stands still at a time that can be moved; sleeping and durations are real. */
export interface ChaosClock extends Clock {
  jump(ms: number): void
}

export function createChaosClock(at: Date): ChaosClock {
  let now = at.getTime()
  return {
    ...systemClock,
    now: () => new Date(now),
    jump(ms) {
      now += ms
    },
  }
}
