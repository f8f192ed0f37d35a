import type { DumpFacts } from '../../../../src/app/policy/dump-rules.ts'

export const NOW = new Date('2026-11-22T12:00:00Z')
export const DAY_MS = 86_400_000
export const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS)

/** A dump that every class lets pass, but for what is given. */
export function dumpFacts(but: Partial<DumpFacts> = {}): DumpFacts {
  return {
    recipients: { known: true, value: 2 },
    connection: 'verify-full',
    signed: true,
    buckets: [{ name: 's3://far', encryption: { known: true, value: 'aws:kms' } }],
    audit: true,
    drill: drillFacts({ at: daysAgo(10), outcome: 'passed' }),
    verify: true,
    rtoMs: 4 * 3_600_000,
    rpoMs: DAY_MS,
    ...but,
  }
}

export function drillFacts(
  last: { at: Date; outcome: string } | undefined,
  oldest: Date | 'none' = daysAgo(400),
  undrilledSince?: Date,
): DumpFacts['drill'] {
  const oldestBackup = oldest === 'none' ? undefined : oldest
  return {
    history: { known: true, value: { last, oldestBackup, undrilledSince } },
    maxAgeMs: 90 * DAY_MS,
    now: NOW,
  }
}
