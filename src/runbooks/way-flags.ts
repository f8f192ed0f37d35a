import { LifeboatError } from '../core/errors.ts'
import type { RecordChange } from './record-change.ts'

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
  /** What an earlier run has changed, to be put back. */
  readonly kept?: readonly RecordChange[]
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
  'unseen-target': 'clients are sent to a database that was not seen to take writes',
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
