import { createLease, type Lease, type LeaseRequest } from '../../src/app/lease.ts'
import type { RunEvent } from '../../src/app/run-event.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { once } from '../../src/core/bytes.ts'
import { systemClock } from '../../src/core/clock.ts'
import { decodeLease, encodeLease, type LeaseRecord } from '../../src/core/lease-record.ts'
import { currentOwner } from '../../src/core/process-owner.ts'
import type { Sink } from '../../src/core/sink.ts'

const { signal } = new AbortController()

export interface LeaseAgent {
  readonly lease: Lease
  readonly events: RunEvent[]
  /** Messages of the warnings so far. */
  readonly warnings: () => readonly string[]
}

export function createLeaseAgent(
  sink: Sink,
  settings: Partial<Omit<LeaseRequest, 'sink' | 'onEvent'>> = {},
): LeaseAgent {
  const events: RunEvent[] = []
  const lease = createLease({
    sink,
    job: 'shop',
    ttlMs: 15 * 60_000,
    waitMs: 0,
    version: '0.0.0',
    clock: systemClock,
    ...settings,
    onEvent: (event) => events.push(event),
  })
  return {
    lease,
    events,
    warnings: () => events.flatMap((event) => (event.kind === 'warning' ? [event.message] : [])),
  }
}

/** A record of a process on another machine; written, it holds the lease until it expires. */
export async function foreignRecord(changes: Partial<LeaseRecord> = {}): Promise<LeaseRecord> {
  const here = await currentOwner()
  return {
    format: 1,
    job: 'shop',
    run: '20261122T200000Z-far2',
    state: 'held',
    holder: { ...here, host: 'bastion-far', boot: 'another', pid: 4711 },
    lifeboat: '0.0.0',
    since: '2026-11-22T20:00:00.000Z',
    heldMs: 0,
    ttlMs: 15 * 60_000,
    ...changes,
  }
}

/** A record of a process of this machine that is gone: its pid is used again by then. */
export async function goneRecord(changes: Partial<LeaseRecord> = {}): Promise<LeaseRecord> {
  const here = await currentOwner()
  return foreignRecord({ holder: { ...here, startTime: (here.startTime ?? 0) - 1 }, ...changes })
}

export async function writeRecord(sink: Sink, number: number, record: LeaseRecord): Promise<void> {
  await sink.write(layout.lease(record.job, number), once(encodeLease(record)), { signal })
}

/** All that lies below the leases of a job: numbers with their records, and other names as they are. */
export async function storedLeases(
  sink: Sink,
  job = 'shop',
): Promise<readonly (readonly [string, LeaseRecord | undefined])[]> {
  const found: (readonly [string, LeaseRecord | undefined])[] = []
  for await (const { key, bytes } of sink.list(layout.leaseOf(job), signal)) {
    found.push([
      key.slice(layout.leaseOf(job).length),
      decodeLease(await sink.read(key, { offset: 0, bytes }, signal)),
    ])
  }
  return found
}
