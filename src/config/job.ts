import type { Classification } from '../core/classification.ts'
import { LifeboatError } from '../core/errors.ts'
import { MOST_LEASE_MS } from '../core/lease-record.ts'
import { nearest } from '../core/nearest.ts'
import type { LoadedConfig } from './load.ts'
import type { JobConfig, NotifyConfig } from './schema.ts'

export interface ResolvedSink {
  readonly name: string
  readonly url: string
  readonly password: string | undefined
  readonly passphrase: string | undefined
}

/** A job with everything that it names looked up. Secrets are still references; what nobody said is undefined. */
export interface ResolvedJob {
  readonly name: string
  readonly source: { readonly url: string; readonly password?: string; readonly staging?: string }
  /** The dump goes to the first; each other gets a copy. */
  readonly sinks: readonly [ResolvedSink, ...ResolvedSink[]]
  /** Files with public keys; empty only where encryption is false. */
  readonly recipients: readonly string[]
  readonly codec: JobConfig['codec']
  readonly level: JobConfig['level']
  readonly jobs: JobConfig['jobs']
  readonly counts: JobConfig['counts']
  /** As a whole the job's, or that of the defaults: never half of each. */
  readonly retention: JobConfig['retention']
  /** Cron expression; undefined where no timer is to run it. */
  readonly schedule: string | undefined
  readonly jitterMs: number | undefined
  readonly notify: readonly ResolvedNotify[]
  /** Where how it went is written for Prometheus. */
  readonly metricsFile: string | undefined
  readonly stallTimeoutMs: number | undefined
  readonly runTimeoutMs: number | undefined
  /** `regulated` where nobody said one: to be guarded too little must be somebody's decision. */
  readonly classification: Classification
  /** Whether somebody said so. */
  readonly classified: boolean
  readonly verify: boolean | undefined
  /** What is promised: how long a restore takes, how old its data is. */
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
  readonly drill: { readonly maxAgeMs: number | undefined }
  /** False where several runs at once are wanted. */
  readonly lease: false | { readonly ttlMs: number | undefined; readonly waitMs: number | undefined }
}

/** Throws `config` for whatever the job names and the file does not hold. */
export function resolveJob(loaded: LoadedConfig, name: string): ResolvedJob {
  const { config } = loaded
  const job = lookUp(loaded, 'job', name, config.jobs)
  const settings = { ...config.defaults, ...without(job) }
  const sinks = (settings.sinks ?? []).map((sink) => resolveSink(loaded, sink, name))
  const [first, ...copies] = sinks
  if (first === undefined) {
    throw refuse(
      loaded,
      `job '${name}' names no sink`,
      `Write jobs.${name}.sinks: [NAME], or defaults.sinks.`,
    )
  }
  const encrypted = settings.encryption ?? true
  if (encrypted && settings.recipients === undefined) {
    throw refuse(
      loaded,
      `job '${name}' names no recipients`,
      `Write jobs.${name}.recipients: [NAME], or encryption: false to store the data readable for whoever gets hold of it.`,
    )
  }
  if (!encrypted && job.recipients !== undefined) {
    throw refuse(
      loaded,
      `job '${name}' names recipients and says encryption: false`,
      'Take one of the two out.',
    )
  }
  const { retention } = settings
  if (retention !== undefined && !Object.keys(retention).some((rule) => rule !== 'minimum')) {
    throw refuse(
      loaded,
      `the retention of job '${name}' has no rule`,
      `Write for example jobs.${name}.retention: { daily: 7, weekly: 4, monthly: 12 }, or leave retention out to keep every backup.`,
    )
  }
  const timeouts = { ...config.defaults?.timeouts, ...job.timeouts }
  return {
    name,
    source: typeof job.source === 'string' ? { url: job.source } : present(job.source),
    sinks: [first, ...copies],
    recipients: encrypted ? (settings.recipients ?? []).map((key) => publicKey(loaded, key, name)) : [],
    codec: settings.codec,
    level: settings.level,
    jobs: settings.jobs,
    counts: settings.counts,
    retention,
    schedule: settings.schedule,
    jitterMs: toMs(loaded, 'jitter', settings.jitter),
    notify: (settings.notify ?? []).map((each) => resolveNotify(loaded, each, name)),
    metricsFile: config.metrics?.textfile,
    stallTimeoutMs: toMs(loaded, 'timeouts.stall', timeouts.stall),
    runTimeoutMs: toMs(loaded, 'timeouts.run', timeouts.run),
    classification: settings.classification ?? 'regulated',
    classified: settings.classification !== undefined,
    verify: settings.verify,
    rtoMs: toAgeMs(loaded, 'rto', settings.rto),
    rpoMs: toAgeMs(loaded, 'rpo', settings.rpo),
    drill: {
      maxAgeMs: toAgeMs(
        loaded,
        'drill.maxAge',
        { ...config.defaults?.drill, ...present(job.drill ?? {}) }.maxAge,
      ),
    },
    lease: resolveLease(loaded, { ...(config.defaults?.lease || {}) }, settings.lease),
  }
}

const LEAST_LEASE_MS = 60_000

function resolveLease(
  loaded: LoadedConfig,
  base: Exclude<JobConfig['lease'], false | undefined>,
  lease: JobConfig['lease'],
): ResolvedJob['lease'] {
  if (lease === false) return false
  const { time, wait } = { ...base, ...lease }
  const ttlMs = toMs(loaded, 'lease.time', time)
  if (ttlMs !== undefined && (ttlMs < LEAST_LEASE_MS || ttlMs > MOST_LEASE_MS)) {
    throw refuse(loaded, `lease.time: ${time} is not between 1m and 24h`, 'Write a time such as 15m.')
  }
  return { ttlMs, waitMs: toMs(loaded, 'lease.wait', wait) }
}

export function resolveSink(loaded: LoadedConfig, name: string, job?: string): ResolvedSink {
  const { url, password, passphrase } = lookUp(loaded, 'sink', name, loaded.config.sinks, job)
  return { name, url, password, passphrase }
}

/** Whom a job tells of its runs. Each type has what it needs: addresses and keys are still references. */
export interface ResolvedNotify {
  readonly name: string
  readonly type: NotifyConfig['type']
  /** Of all but pagerduty, which has one of its own. */
  readonly url: string | undefined
  readonly key: string | undefined
  readonly on: readonly RunStage[]
}

export type RunStage = NonNullable<NotifyConfig['on']>[number]

const USUAL: Readonly<Record<NotifyConfig['type'], readonly RunStage[]>> = {
  webhook: ['success', 'failure'],
  slack: ['failure'],
  pagerduty: ['success', 'failure'],
  healthchecks: ['start', 'success', 'failure'],
}

function resolveNotify(loaded: LoadedConfig, name: string, job: string): ResolvedNotify {
  const { type, url, key, on } = lookUp(loaded, 'notification', name, loaded.config.notify, job)
  const no = (reason: string, hint: string) => refuse(loaded, `notify.${name} ${reason}`, hint)
  if (type === 'pagerduty' && key === undefined)
    throw no('has no key', `Write notify.${name}.key: file:PATH with the integration key.`)
  if (type !== 'pagerduty' && url === undefined)
    throw no('has no url', `Write notify.${name}.url: file:PATH with the address.`)
  if (type !== 'pagerduty' && key !== undefined)
    throw no(`has a key, which ${type} does not take`, 'Take it out: the address is all that it needs.')
  if (type === 'pagerduty' && on?.includes('start') === true)
    throw no('is told of the start, which pagerduty has no event for', 'Take start out of its on:.')
  if ([url, key].some((reference) => reference?.startsWith('prompt:') === true))
    throw no(
      'is asked for at the terminal',
      'Write file:PATH or env:NAME: it must hear of runs by night too.',
    )
  return { name, type, url, key, on: on ?? USUAL[type] }
}

export interface ResolvedSigning {
  /** File with the secret key. */
  readonly file?: string
  readonly passphrase?: string
  readonly gpg?: string
}

/** What signs every dump; empty where nothing does. */
export function resolveSigning(loaded: LoadedConfig): ResolvedSigning {
  const { signing } = loaded.config
  if (signing === undefined) return {}
  const { key: name, gpg } = signing
  if ((name === undefined) === (gpg === undefined)) {
    throw refuse(
      loaded,
      'signing names a key and gpg, or neither',
      'Write signing: { key: NAME } or signing: { gpg: FINGERPRINT }.',
    )
  }
  if (name === undefined) return gpg === undefined ? {} : { gpg }
  const { secret, passphrase } = lookUp(loaded, 'key', name, loaded.config.keys)
  if (secret === undefined) {
    throw refuse(
      loaded,
      `key '${name}', which is to sign, has no secret file`,
      `Write keys.${name}.secret: /path/${name}.sec.asc`,
    )
  }
  return { file: secret, ...(passphrase !== undefined && { passphrase }) }
}

/** Files with the public keys of those whose signature is demanded. */
export function resolveSigners(loaded: LoadedConfig): readonly string[] {
  return (loaded.config.signers ?? []).map((name) => publicKey(loaded, name))
}

export function jobNames({ config }: LoadedConfig): readonly string[] {
  return Object.keys(config.jobs ?? {})
}

/** Jobs whose backups go to a sink, which is given by its name or as the URL that the file has. */
export function jobsAt({ config }: LoadedConfig, sink: string): readonly string[] {
  return Object.entries(config.jobs ?? {}).flatMap(([name, job]) => {
    const sinks = job.sinks ?? config.defaults?.sinks ?? []
    return sinks.some((each) => each === sink || config.sinks?.[each]?.url === sink) ? [name] : []
  })
}

function publicKey(loaded: LoadedConfig, name: string, job?: string): string {
  const key = lookUp(loaded, 'key', name, loaded.config.keys, job)
  if (key.public !== undefined) return key.public
  throw refuse(loaded, `key '${name}' has no public file`, `Write keys.${name}.public: /path/${name}.pub.asc`)
}

export function lookUp<T>(
  loaded: LoadedConfig,
  kind: 'job' | 'sink' | 'key' | 'notification',
  name: string,
  table: Readonly<Record<string, T>> | undefined,
  job?: string,
): T {
  const found = table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined
  if (found !== undefined) return found
  const known = Object.keys(table ?? {})
  const likely = nearest(name, known)
  const by = job === undefined ? '' : `, which job '${job}' names`
  const all = known.length === 0 ? `It has no ${kind}s.` : `It has ${known.toSorted().join(', ')}.`
  throw refuse(
    loaded,
    `there is no ${kind} '${name}'${by}`,
    `${likely === undefined ? '' : `Did you mean '${likely}'? `}${all}`,
  )
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** An age, or a promise, which no timer has to wait for. */
export function toAgeMs(loaded: LoadedConfig, key: string, duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined
  const ms = msOf(duration)
  if (ms > 0) return ms
  throw refuse(loaded, `${key}: ${duration} is no time`, 'Write a time such as 4h or 90d.')
}

function msOf(duration: string): number {
  return Number(duration.slice(0, -1)) * UNIT_MS[duration.slice(-1) as keyof typeof UNIT_MS]
}

export function toMs(loaded: LoadedConfig, key: string, duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined
  const ms = msOf(duration)
  // Timers of Node end at 2^31 - 1 ms and would fire at once beyond it.
  if (ms > 0 && ms < 2 ** 31) return ms
  throw refuse(loaded, `${key}: ${duration} is not between 1s and 24d`, 'Write a time such as 10m or 6h.')
}

function without({ source: _source, ...settings }: JobConfig): Omit<JobConfig, 'source'> {
  return present(settings)
}

/** Without the keys that are undefined: they must not hide a default. */
function present<T extends object>(values: T): T & { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

export function refuse({ path }: LoadedConfig, reason: string, hint: string): LifeboatError {
  return new LifeboatError('config', `unable to use configuration '${path}': ${reason}`, { hint })
}
