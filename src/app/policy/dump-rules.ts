import type { TlsMode } from '../../core/database-url.ts'
import { type DrillFacts, judgeDrill } from './drill-rule.ts'
import { type Known, promised, type Rule, stated } from './rule.ts'

export interface BucketFact {
  readonly name: string
  /** What S3 calls it: `aws:kms`, `aws:kms:dsse`, `AES256`; undefined for none. */
  readonly encryption: Known<string | undefined>
}

/** All that the rules for a dump look at. */
export interface DumpFacts {
  /** How many different keys open the backup; 0 where it is not encrypted. */
  readonly recipients: Known<number>
  /** `socket` never leaves the machine. */
  readonly connection: TlsMode | 'socket'
  readonly signed: boolean
  /** Each bucket that data goes to; empty where no sink is one. */
  readonly buckets: readonly BucketFact[]
  readonly audit: boolean
  readonly drill: DrillFacts
  /** Whether what was stored is looked at after the dump. */
  readonly verify: boolean
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
}

export const DUMP_RULES: readonly Rule<DumpFacts>[] = [
  {
    name: 'encryption',
    demand: 'the backup must be encrypted',
    classes: ['business-critical'],
    judge: ({ recipients }) => judgeRecipients(recipients, 1),
  },
  {
    name: 'recipients',
    demand: 'the backup must be encrypted to at least two keys',
    classes: ['regulated'],
    judge: ({ recipients }) => judgeRecipients(recipients, 2),
  },
  {
    name: 'tls',
    demand: "the connection to the database must verify the server's certificate and name (verify-full)",
    classes: ['regulated'],
    judge: ({ connection }) =>
      connection === 'socket'
        ? { state: 'ok', found: 'a Unix socket, which leaves no machine' }
        : stated(
            connection === 'verify-full',
            'tls=verify-full',
            `tls=${connection}`,
            "Add tls-ca=/path/of/ca.pem to the database URL (RDS's own bundle serves its hosts), or tls=verify-full.",
          ),
  },
  {
    name: 'signing',
    demand: 'the backup must be signed',
    classes: ['regulated'],
    judge: ({ signed }) =>
      stated(
        signed,
        'it is',
        'no signing key is named',
        'Make one with lifeboat keygen, and name it under signing: of the configuration, or with --signing-key.',
      ),
  },
  {
    name: 'sse-kms',
    demand: 'S3 buckets must encrypt with a KMS key (SSE-KMS)',
    classes: ['regulated'],
    asksPlaces: true,
    judge: ({ buckets }) => judgeBuckets(buckets),
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
    name: 'drill',
    demand: 'a drill must have passed within drill.maxAge',
    classes: ['regulated'],
    asksPlaces: true,
    judge: ({ drill }) => judgeDrill(drill),
  },
  {
    name: 'verification',
    demand: 'what was stored must be verified after the dump',
    classes: ['business-critical'],
    judge: ({ verify }) =>
      stated(
        verify,
        'it is',
        'verify: false',
        'Take verify: false out of the job; it reads none of the data.',
      ),
  },
  {
    name: 'rto',
    demand: 'it must be stated how long a restore may take',
    classes: ['business-critical'],
    judge: ({ rtoMs }) => promised('rto', rtoMs, 'the business can bear'),
  },
  {
    name: 'rpo',
    demand: 'it must be stated how old its data may be',
    classes: ['business-critical'],
    judge: ({ rpoMs }) => promised('rpo', rpoMs, 'the business can bear to lose'),
  },
]

function judgeRecipients(
  recipients: DumpFacts['recipients'],
  least: number,
): ReturnType<Rule<DumpFacts>['judge']> {
  if (!recipients.known) {
    return { state: 'unknown', found: recipients.reason, remedy: 'Mend the key file that it names.' }
  }
  const { value } = recipients
  if (value === 0) {
    return {
      state: 'violated',
      found: 'it is not encrypted',
      remedy: `Name ${least === 1 ? 'a key' : 'two keys, one in daily use and one in a safe,'} under recipients: or with --recipient, and take encryption: false or --no-encryption out.`,
    }
  }
  return stated(
    value >= least,
    `it opens for ${value === 1 ? 'one key' : `${value} keys`}`,
    'it opens for one key only',
    'Name a second one under recipients:, or with another --recipient: one in daily use, one in a safe.',
  )
}

function judgeBuckets(buckets: readonly BucketFact[]): ReturnType<Rule<DumpFacts>['judge']> {
  const remedy =
    'Put sse=kms (and kms-key=, for a key of your own) into the sink URL; lifeboat doctor --to SINK-URL --fix-bucket makes it the default of the bucket.'
  if (buckets.length === 0) return { state: 'ok', found: 'no sink is a bucket' }
  const found = buckets.map(({ name, encryption }) => ({ name, ...told(encryption) }))
  const worst = (['violated', 'unknown', 'ok'] as const).find((state) =>
    found.some((each) => each.state === state),
  )
  const text = (state: string | undefined) =>
    found.flatMap((each) => (each.state === state ? [`${each.name}: ${each.text}`] : [])).join('; ')
  if (worst === 'violated' || worst === 'unknown') return { state: worst, found: text(worst), remedy }
  return { state: 'ok', found: text('ok') }
}

function told(encryption: BucketFact['encryption']): { state: 'ok' | 'violated' | 'unknown'; text: string } {
  if (!encryption.known) return { state: 'unknown', text: encryption.reason }
  const { value } = encryption
  if (value === undefined) return { state: 'violated', text: 'no encryption' }
  return { state: /^aws:kms(:|$)/.test(value) ? 'ok' : 'violated', text: value }
}
