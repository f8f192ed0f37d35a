import { LifeboatError } from '../core/errors.ts'
import type { RecordChange } from './record-change.ts'
import type { Fenced } from './unfence-facts.ts'

/** What `migrate` is told, for all ways: each takes what it knows and refuses nothing that another may need. Plain JSON. */
export interface WayFlags {
  readonly source?: string
  readonly target?: string
  readonly db?: readonly string[]
  /** What the new one is to be called. */
  readonly targetId?: string
  readonly replica?: string
  /** Its id in the source region, or `new`. */
  readonly snapshot?: string
  /** At this moment instead of the latest. */
  readonly at?: string
  readonly kmsKey?: string
  readonly subnetGroup?: string
  readonly securityGroup?: readonly string[]
  readonly parameterGroup?: string
  readonly optionGroup?: string
  /** Of a new instance: else as the source's, or as its inventory says. */
  readonly engine?: string
  readonly engineVersion?: string
  readonly storageGib?: number
  readonly masterUser?: string
  /** Of `native`: dump the old one first, and restore just that. */
  readonly dumpNow?: boolean
  /** In order of preference. */
  readonly class?: readonly string[]
  readonly zone?: readonly string[]
  readonly multiAz?: boolean
  readonly backupDays?: number
  readonly maxLagSeconds?: number
  readonly recreateReplica?: boolean
  /** Of a global database: fail over though it could be switched over. */
  readonly failover?: boolean
  /** `HOST:PORT` of the database that clients leave, and of the one they go to. */
  readonly from?: string
  readonly to?: string
  /** DNS names; else all that point at `from`. */
  readonly record?: readonly string[]
  /** Addresses of resolvers that have to agree; else those of this machine. */
  readonly resolver?: readonly string[]
  /** Lines of a configuration with `{host}` and `{port}` of the database. */
  readonly template?: readonly string[]
  /** What has to be restarted, by people. */
  readonly service?: readonly string[]
  readonly failoverRecords?: boolean
  /** What an earlier run has changed, to be put back. */
  readonly kept?: readonly RecordChange[]
  /** What an earlier run of fence has put up, to be lifted. */
  readonly fenced?: Fenced
  /** Gives the newest row of the new database, which is shown at the end. */
  readonly newestQuery?: string
  /** Whether a scratch table may be written there; it may where this is left out. */
  readonly write?: boolean
  /** What a GiB from region to region costs the account, for the estimate. */
  readonly usdPerGib?: number
  /** Which of the options above were settled by an earlier run of prepare, or stand in an inventory. */
  readonly keptLanding?: { readonly from: string; readonly at: string; readonly words: readonly string[] }
  /** Dangers that the operator takes by name. */
  readonly accept?: readonly string[]
}

/** The dangers that can be accepted, and what each of them is. */
export const ACCEPTABLE = {
  'split-brain': 'the old primary may still take writes, which will be lost',
  denied: 'IAM says that a step is not allowed, and it is tried all the same',
  'data-loss': 'what the other region has not got yet is lost',
  'unencrypted-copy': 'a copy of the data lies unencrypted in the target region for as long as the run takes',
  unencrypted: 'the new database is not encrypted',
  accounts: 'the new database lacks accounts or grants of the old one, or nobody could look',
  'unseen-target': 'clients are sent to a database that was not seen to take writes',
  'changed-fence': 'what somebody has changed of a fence stays as it is, and the rest is lifted',
  // What of the new database is weaker than of the old one: src/runbooks/parity.ts has a check for each.
  encryption: 'the old database is encrypted, and the new one is not',
  'public-access': 'the new database has a public address, and the old one has none',
  'tls-forced': 'the new database takes connections without TLS, and the old one refuses them',
  'security-groups': 'the new database lets in wider networks than the old one',
  'deletion-protection': 'the new database can be deleted at once, and the old one is protected',
  'backup-retention': 'the automated backups of the new database are kept for less long',
  'log-exports': 'logs that the old database exports are not exported by the new one',
  'iam-authentication': 'the old database takes logins by IAM, and the new one does not',
  parameters: 'parameters of the old database are not set, or set otherwise, at the new one',
  // What was seen of it at the end: src/runbooks/verify-checks.ts.
  unreached: 'this machine does not reach the new database, so that nobody has seen it answer',
  rows: 'the new database lacks tables or rows that the newest backup has, or nobody could count them',
} as const

export type Acceptable = keyof typeof ACCEPTABLE

export interface Regions {
  readonly source: string
  readonly target: string
}

const REGION = /^[a-z]{2,}(-[a-z]+)+-\d$/

export function needRegions({ source, target }: WayFlags): Regions {
  for (const [flag, region] of [
    ['--source', source],
    ['--target', target],
  ] as const) {
    if (region === undefined) throw missing(flag, `${flag} eu-central-1`)
    if (!REGION.test(region))
      throw usage(`'${region}' is no name of a region`, `Write ${flag} like eu-central-1.`)
  }
  if (source === target) throw usage('--source and --target are the same region', 'Name two regions.')
  return { source: source as string, target: target as string }
}

export function needOneDb({ db = [] }: WayFlags, way: string): string {
  const [first] = db
  if (first === undefined) throw missing('--db', '--db shop')
  if (db.length > 1)
    throw usage(`way '${way}' takes one --db`, 'Start a run for each of them; they may run side by side.')
  // RDS: letters, digits, hyphens; begins with a letter.
  if (!/^[A-Za-z](?:-?[A-Za-z0-9])*$/.test(first))
    throw usage(`'${first}' is no id of a database`, 'Write --db as RDS names the instance or cluster.')
  return first.toLowerCase()
}

export function need(value: string | undefined, flag: string, example: string): string {
  if (value === undefined || value === '') throw missing(flag, `${flag} ${example}`)
  return value
}

export function accepted({ accept = [] }: WayFlags): readonly Acceptable[] {
  for (const name of accept) {
    if (!Object.hasOwn(ACCEPTABLE, name))
      throw usage(
        `nothing is called '${name}' that could be accepted`,
        `Known are ${Object.keys(ACCEPTABLE).join(', ')}.`,
      )
  }
  return accept as readonly Acceptable[]
}

function missing(flag: string, example: string): LifeboatError {
  return usage(`${flag} is missing`, `Add ${example}`)
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to plan: ${reason}`, { hint })
}
