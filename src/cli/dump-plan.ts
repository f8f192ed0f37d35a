import { defaults } from '../config/defaults.ts'
import { type ResolvedInventory, resolveInventory } from '../config/inventory.ts'
import {
  type ResolvedJob,
  type ResolvedSigning,
  type ResolvedSink,
  resolveSigners,
  resolveSigning,
  resolveSink,
} from '../config/job.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Classification } from '../core/classification.ts'
import { LifeboatError } from '../core/errors.ts'
import { need } from './options.ts'
import { isSinkName } from './sink-name.ts'

export interface DumpOptions {
  readonly config?: string
  readonly audit?: string
  readonly all?: boolean
  readonly shard?: string
  readonly jitter?: number
  readonly from?: string
  readonly to?: string
  readonly recipient?: readonly string[]
  readonly encryption: boolean
  readonly codec?: string
  readonly level?: number
  readonly password?: string
  readonly job?: string
  readonly jobs?: number
  readonly counts?: 'exact' | 'off'
  readonly stallTimeout?: number
  /** False by --no-lease. */
  readonly lease?: number | false
  readonly waitLease?: number
  readonly classification?: Classification
  readonly rto?: number
  readonly rpo?: number
  readonly emergency?: boolean
  readonly staging?: string
  readonly signingKey?: string
  readonly signingPassphrase?: string
  readonly signingGpg?: string
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
  readonly json?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly logFile?: string
}

/** A reference to a secret, and where it was written, for messages. */
export interface Reference {
  readonly option: string
  readonly reference: string | undefined
}

export interface PlannedSink {
  readonly url: string
  readonly password: Reference
  readonly passphrase: Reference
}

export interface PlannedSigning {
  readonly file: string | undefined
  readonly passphrase: Reference
  readonly gpg: string | undefined
}

/** One dump, with every setting decided. */
export interface DumpPlan {
  readonly job: string
  /** Of the new backup, where somebody has to find it again. */
  readonly id?: string
  /** Whether the job is one of the configuration. */
  readonly configured: boolean
  readonly source: string
  readonly password: Reference
  readonly staging: string | undefined
  /** The dump goes to the first; each other gets a copy. */
  readonly sinks: readonly [PlannedSink, ...PlannedSink[]]
  readonly recipients: readonly string[]
  readonly signing: PlannedSigning
  /** Files with the keys of those whose signature is demanded. */
  readonly signers: readonly string[]
  readonly codec: string
  readonly level: number | undefined
  readonly jobs: number
  readonly counts: 'exact' | 'off'
  readonly stallTimeoutMs: number
  readonly runTimeoutMs: number | undefined
  /** What it is guarded by; undefined: nothing is demanded. */
  readonly classification: Classification | undefined
  /** False where nobody said so, and it counts as regulated. */
  readonly classified: boolean
  /** What was stored is looked at after the dump. */
  readonly verify: boolean
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
  readonly drillMaxAgeMs: number
  readonly emergency: boolean
  /** What of AWS is written down after the dump. */
  readonly inventory?: ResolvedInventory
  /** Undefined: several runs at once are wanted. An emergency neither waits for it nor takes it. */
  readonly lease: { readonly ttlMs: number; readonly waitMs: number } | undefined
}

/** A job of the configuration: the flags win over what the file says. */
export function planJob(options: DumpOptions, job: ResolvedJob, loaded: LoadedConfig): DumpPlan {
  const inventory = resolveInventory(loaded, job.name)
  const plan = planDump(options, job, resolveSigning(loaded))
  return {
    ...plan,
    sinks: planNamedSink(options, loaded) ?? plan.sinks,
    signers: resolveSigners(loaded),
    ...(inventory !== undefined && { inventory }),
  }
}

/** Without a job the flags say all. */
export function planDump(options: DumpOptions, job?: ResolvedJob, signing: ResolvedSigning = {}): DumpPlan {
  const source = job?.source.url
  return {
    job: job?.name ?? options.job ?? defaults.job,
    configured: job !== undefined,
    source:
      options.from ??
      source ??
      need(undefined, '--from', 'the database to dump', 'mysql://user@host or postgres://user@host'),
    password: flagOr(
      options.password,
      '--password',
      job?.source.password,
      `jobs.${job?.name}.source.password`,
    ),
    staging: options.staging ?? job?.source.staging,
    sinks: planSinks(options, job),
    recipients: planRecipients(options, job),
    signing: planSigning(options, signing),
    signers: [],
    codec: options.codec ?? job?.codec ?? defaults.codec,
    // A level belongs to its codec: one of the file says nothing about another codec of the command line.
    level: options.level ?? (options.codec === undefined ? job?.level : undefined),
    jobs: options.jobs ?? job?.jobs ?? defaults.jobs,
    counts: options.counts ?? job?.counts ?? defaults.counts,
    stallTimeoutMs: options.stallTimeout ?? job?.stallTimeoutMs ?? defaults.stallTimeoutMs,
    runTimeoutMs: job?.runTimeoutMs,
    ...planPolicy(options, job),
    lease: planLease(options, job),
  }
}

function planPolicy(options: DumpOptions, job: ResolvedJob | undefined) {
  if (job !== undefined && options.classification !== undefined) {
    throw new LifeboatError(
      'usage',
      `unable to start: job '${job.name}' has its class in the configuration, and --classification is given`,
      {
        hint: 'Leave out --classification; if the data must be out now, --emergency overrides what the class demands.',
      },
    )
  }
  const classification = job?.classification ?? options.classification
  return {
    classification,
    classified: job?.classified ?? true,
    verify: job?.verify ?? (classification !== undefined && classification !== 'development'),
    rtoMs: options.rto ?? job?.rtoMs,
    rpoMs: options.rpo ?? job?.rpoMs,
    drillMaxAgeMs: job?.drill.maxAgeMs ?? defaults.drillMaxAgeMs,
    emergency: options.emergency === true,
  }
}

function planLease(options: DumpOptions, job: ResolvedJob | undefined): DumpPlan['lease'] {
  const { lease, waitLease, emergency } = options
  if (emergency === true && waitLease !== undefined) {
    throw new LifeboatError(
      'usage',
      'unable to start: --emergency waits for nobody, and --wait-lease is given',
      {
        hint: 'Leave out the one that is not meant.',
      },
    )
  }
  if (lease === false && waitLease !== undefined) {
    throw new LifeboatError('usage', 'unable to start: --no-lease and --wait-lease contradict each other', {
      hint: 'Leave out the one that is not meant.',
    })
  }
  const asked = lease !== undefined || waitLease !== undefined
  if (lease === false || (job?.lease === false && !asked)) return undefined
  const own = job === undefined || job.lease === false ? undefined : job.lease
  return {
    ttlMs: lease ?? own?.ttlMs ?? defaults.leaseMs,
    waitMs: waitLease ?? own?.waitMs ?? 0,
  }
}

function planSinks(options: DumpOptions, job: ResolvedJob | undefined): DumpPlan['sinks'] {
  if (options.to !== undefined || job === undefined) {
    const url = need(
      options.to,
      '--to',
      'the sink',
      'file:///path, s3://bucket/prefix or ssh://user@host/path',
    )
    return [
      {
        url,
        password: { option: '--sink-password', reference: options.sinkPassword },
        passphrase: { option: '--sink-passphrase', reference: options.sinkPassphrase },
      },
    ]
  }
  const [first, ...copies] = job.sinks
  return [plannedSink(first), ...copies.map(plannedSink)]
}

/** `--to` with a name of the configuration, as where the job's first place is dead: it brings its own secrets. */
function planNamedSink(
  { to, sinkPassword, sinkPassphrase }: DumpOptions,
  loaded: LoadedConfig,
): DumpPlan['sinks'] | undefined {
  if (to === undefined || !isSinkName(to)) return undefined
  const { url, password, passphrase } = plannedSink(resolveSink(loaded, to))
  return [
    {
      url,
      password: flagOr(sinkPassword, '--sink-password', password.reference, password.option),
      passphrase: flagOr(sinkPassphrase, '--sink-passphrase', passphrase.reference, passphrase.option),
    },
  ]
}

export function plannedSink({ name, url, password, passphrase }: ResolvedSink): PlannedSink {
  return {
    url,
    password: { option: `sinks.${name}.password`, reference: password },
    passphrase: { option: `sinks.${name}.passphrase`, reference: passphrase },
  }
}

export function planRecipients(
  options: Pick<DumpOptions, 'recipient' | 'encryption'>,
  job: Pick<ResolvedJob, 'recipients'> | undefined,
): readonly string[] {
  const { recipient = [], encryption } = options
  if (!encryption && recipient.length > 0) {
    throw new LifeboatError(
      'usage',
      'unable to start: --recipient and --no-encryption contradict each other',
      {
        hint: 'Leave out the one that is not meant.',
      },
    )
  }
  if (!encryption) return []
  if (recipient.length > 0) return recipient
  if (job !== undefined) return job.recipients
  throw new LifeboatError('usage', 'unable to start: no --recipient is named to encrypt the backup to', {
    hint: 'Make a key with: lifeboat keygen --name backups --out FOLDER --passphrase prompt: and add --recipient FOLDER/backups.pub.asc; or say --no-encryption.',
  })
}

export function planSigning(
  options: Pick<DumpOptions, 'signingKey' | 'signingGpg' | 'signingPassphrase'>,
  signing: ResolvedSigning,
): PlannedSigning {
  const { signingKey, signingGpg, signingPassphrase } = options
  if (signingKey !== undefined && signingGpg !== undefined) {
    throw new LifeboatError('usage', 'unable to start: --signing-key and --signing-gpg are both given', {
      hint: 'Leave out the one that is not meant.',
    })
  }
  const named = signingKey !== undefined || signingGpg !== undefined
  return {
    file: named ? signingKey : signing.file,
    gpg: named ? signingGpg : signing.gpg,
    passphrase: flagOr(
      signingPassphrase,
      '--signing-passphrase',
      named ? undefined : signing.passphrase,
      'the passphrase of the signing key',
    ),
  }
}

function flagOr(
  flag: string | undefined,
  flagName: string,
  value: string | undefined,
  valueName: string,
): Reference {
  return flag !== undefined || value === undefined
    ? { option: flagName, reference: flag }
    : { option: valueName, reference: value }
}
