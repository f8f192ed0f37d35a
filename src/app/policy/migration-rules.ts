import { type Judgement, type Known, promised, type Rule, showTime, stated } from './rule.ts'

/** What a migration by API is about to do, as far as the rules look at it. */
export interface MigrationFacts {
  /** Each snapshot, automated backup or replica that the data passes through; empty where the way has none. */
  readonly snapshots: readonly { readonly name: string; readonly encrypted: Known<boolean> }[]
  /** Whether the new database is encrypted at rest. */
  readonly encrypted: Known<boolean>
  /** Whether what arrives is looked at, with an account that reads it, before anybody relies on it. */
  readonly verifiesCopies: boolean
  /** Whether the run is recorded in lifeboat's own audit log. */
  readonly audit: boolean
  /** Whether the audit logging of the database, its log exports and parameters, is compared with that of the source. */
  readonly comparesAuditLogging: Known<boolean>
  /** Whether accounts and grants are compared with those of the source. */
  readonly comparesGrants: Known<boolean>
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
  /** How long it probably takes. */
  readonly expected: Known<{ readonly minMs: number; readonly maxMs: number }>
  /** How much would be lost if nothing more came from the source from now on. */
  readonly lossMs: Known<number>
}

export const MIGRATION_RULES: readonly Rule<MigrationFacts>[] = [
  {
    name: 'snapshot-encryption',
    demand: 'every snapshot on the way must be encrypted',
    classes: ['business-critical', 'regulated'],
    judge: ({ snapshots }) => judgeSnapshots(snapshots),
  },
  {
    name: 'target-encryption',
    demand: 'the new database must be encrypted',
    classes: ['business-critical', 'regulated'],
    judge: ({ encrypted }) =>
      known(encrypted, 'Let these credentials describe it, and run again.', (is) =>
        stated(
          is,
          'it is',
          'it is not',
          'Name a key of the target region with --kms-key, where the way takes one.',
        ),
      ),
  },
  {
    name: 'copy-verification',
    demand: 'what arrives must be verified before anybody relies on it',
    classes: ['business-critical', 'regulated'],
    judge: ({ verifiesCopies }) =>
      stated(
        verifiesCopies,
        'it is, as the last steps',
        'nobody can log in to look',
        'Name an account of the database with --login and --password.',
      ),
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
        'Write audit: { file: /var/log/lifeboat/audit.jsonl } in the configuration, or give --audit.',
      ),
  },
  {
    name: 'audit-comparison',
    demand: "the target's audit logging must be compared with the source's",
    classes: ['regulated'],
    judge: ({ comparesAuditLogging }) =>
      known(
        comparesAuditLogging,
        'Name an inventory of the source with --inventory, where the way takes one.',
        (is) => stated(is, 'it is', 'it is not', 'Take a way that makes the new database by itself.'),
      ),
  },
  {
    name: 'grants-comparison',
    demand: "the target's accounts and grants must be compared with the source's",
    classes: ['regulated'],
    judge: ({ comparesGrants }) =>
      known(
        comparesGrants,
        'Name an account with --login that may read them at the source, and its endpoint with --from HOST:PORT; where the source is dead give --accounts FILE, or compare them by hand, with --emergency.',
        (is) => stated(is, 'they are', 'they are not', 'Take a way that makes the new database by itself.'),
      ),
  },
  {
    name: 'rto',
    demand: 'how long it may take must be stated, and be possible',
    classes: ['business-critical', 'regulated'],
    judge: ({ rtoMs, expected }) => {
      const promise = promised('rto', rtoMs, 'the business can bear')
      if (promise.state !== 'ok' || rtoMs === undefined || !expected.known) return promise
      const { minMs, maxMs } = expected.value
      const takes = `${showTime(minMs)} to ${showTime(maxMs)} are to be expected`
      return stated(
        minMs <= rtoMs,
        `${promise.found}, ${takes}`,
        `${promise.found}, and ${takes}`,
        'Take a quicker way: lifeboat assess compares them.',
      )
    },
  },
  {
    name: 'rpo',
    demand: 'how much data may be lost must be stated, and not be lost already',
    classes: ['business-critical', 'regulated'],
    judge: ({ rpoMs, lossMs }) => {
      const promise = promised('rpo', rpoMs, 'the business can bear to lose')
      if (promise.state !== 'ok' || rpoMs === undefined || !lossMs.known) return promise
      const lost = `what it takes over is ${showTime(lossMs.value)} old`
      return stated(
        lossMs.value <= rpoMs,
        `${promise.found}, ${lost}`,
        `${promise.found}, and ${lost}`,
        'Take a way that loses less, or a newer snapshot: lifeboat assess compares them.',
      )
    },
  },
]

/** Of what moves no data (`migrate fence`, `cutover` and the like), only this matters: that it is known who did it. */
export const CHANGE_RULES: readonly Rule<MigrationFacts>[] = MIGRATION_RULES.filter(
  ({ name }) => name === 'audit',
)

function judgeSnapshots(snapshots: MigrationFacts['snapshots']): Judgement {
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
}

function known<T>(fact: Known<T>, remedy: string, judge: (value: T) => Judgement): Judgement {
  return fact.known ? judge(fact.value) : { state: 'unknown', found: fact.reason, remedy }
}
