/**
 * What holds where nobody says otherwise. Precedence is default < file < environment < flag; flags carry no defaults
 * of their own, or a default of the command line would win over what the operator wrote in a file.
 */
export const defaults = {
  job: 'default',
  codec: 'gzip',
  counts: 'exact',
  /** Gentle to the source: one dump tool reads at a time. */
  jobs: 1,
  stallTimeoutMs: 10 * 60_000,
  leaseMs: 15 * 60_000,
  /** Of a regulated job: a quarter. */
  drillMaxAgeMs: 90 * 86_400_000,
  /** Of Object Lock, for a bucket that doctor mends or makes. */
  lockDays: 14,
  /** Enough for an account with hundreds of databases; a dead region must not hold up a run for longer. */
  inventoryTimeoutMs: 2 * 60_000,
  /** Longer than any dump without a lease takes. */
  sweepOlderThanMs: 3 * 86_400_000,
} as const
