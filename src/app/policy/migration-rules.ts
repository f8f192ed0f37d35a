import { type Known, promised, type Rule, stated } from './rule.ts'

/** What a migration by API is about to do, as far as the rules look at it. */
export interface MigrationFacts {
  /** Each snapshot, automated backup or replica that the data passes through; empty where the way has none. */
  readonly snapshots: readonly { readonly name: string; readonly encrypted: Known<boolean> }[]
  /** Whether what arrives is compared with the source before anybody relies on it. */
  readonly verifiesCopies: boolean
  /** Whether the run is recorded in lifeboat's own audit log. */
  readonly audit: boolean
  /** Whether the audit logging of the database is compared with that of the source. */
  readonly comparesAuditLogging: boolean
  /** Whether accounts and grants are compared with those of the source. */
  readonly comparesGrants: boolean
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
}

export const MIGRATION_RULES: readonly Rule<MigrationFacts>[] = [
  {
    name: 'snapshot-encryption',
    demand: 'every snapshot on the way must be encrypted',
    classes: ['business-critical', 'regulated'],
    judge: ({ snapshots }) => {
      const plain = snapshots.filter(({ encrypted }) => encrypted.known && !encrypted.value)
      if (plain.length > 0) {
        return {
          state: 'violated',
          found: `${plain.map(({ name }) => name).join(', ')}: not encrypted`,
          remedy: 'Copy with a KMS key of the target region: the copy of a plain snapshot is then encrypted.',
        }
      }
      const unknown = snapshots.flatMap(({ name, encrypted }) =>
        encrypted.known ? [] : [`${name}: ${encrypted.reason}`],
      )
      if (unknown.length > 0) {
        return {
          state: 'unknown',
          found: unknown.join('; '),
          remedy: 'Let these credentials describe the snapshots, and run again.',
        }
      }
      return { state: 'ok', found: snapshots.length === 0 ? 'there is none' : 'they are' }
    },
  },
  {
    name: 'copy-verification',
    demand: 'what arrives must be verified against the source',
    classes: ['business-critical', 'regulated'],
    judge: ({ verifiesCopies }) =>
      stated(verifiesCopies, 'it is', 'it is not', 'Let the run verify the target before it is relied on.'),
  },
  {
    name: 'audit',
    demand: 'the run must be recorded in an audit log',
    classes: ['regulated'],
    judge: ({ audit }) =>
      stated(
        audit,
        'it is',
        'there is none',
        'Write audit: { file: /var/log/lifeboat/audit.jsonl } in the configuration.',
      ),
  },
  {
    name: 'audit-comparison',
    demand: "the target's audit logging must be compared with the source's",
    classes: ['regulated'],
    judge: ({ comparesAuditLogging }) =>
      stated(
        comparesAuditLogging,
        'it is',
        'it is not',
        'Let the run compare it, so that no access goes unrecorded.',
      ),
  },
  {
    name: 'grants-comparison',
    demand: "the target's accounts and grants must be compared with the source's",
    classes: ['regulated'],
    judge: ({ comparesGrants }) =>
      stated(
        comparesGrants,
        'they are',
        'they are not',
        'Let the run compare them, so that nobody gains or loses access.',
      ),
  },
  {
    name: 'rto',
    demand: 'it must be stated how long it may take',
    classes: ['business-critical', 'regulated'],
    judge: ({ rtoMs }) => promised('rto', rtoMs, 'the business can bear'),
  },
  {
    name: 'rpo',
    demand: 'it must be stated how much data may be lost',
    classes: ['business-critical', 'regulated'],
    judge: ({ rpoMs }) => promised('rpo', rpoMs, 'the business can bear to lose'),
  },
]
