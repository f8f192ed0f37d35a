import type { MigrateRequest } from '../app/migrate.ts'
import type { MigrationGuard, RecordedRun } from '../app/migration-guard.ts'
import type { JobClass } from '../config/job-class.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { AuditFacts } from '../core/audit-record.ts'
import type { Classification } from '../core/classification.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { auditAt, keyNames, setOptions } from './audit-log.ts'
import { recordedRun, recordRefusal } from './recorded-run.ts'
import type { VerbContext } from './run-verb.ts'

export interface GuardOptions {
  readonly job?: string
  readonly backups?: string
  readonly classification?: Classification
  readonly rto?: number
  readonly rpo?: number
  readonly emergency?: boolean
  readonly audit?: string
  readonly config?: string
  readonly resume?: string
  readonly confirm?: boolean
  readonly simulate?: unknown
  readonly dryRun?: boolean
  readonly printPolicy?: boolean
  readonly key?: readonly string[]
  readonly gpg?: boolean
}

export interface OpenedGuard {
  readonly guard: MigrationGuard
  /** Records what never came as far as to be carried out. */
  watched<T>(flags: MigrateRequest['flags'], work: () => Promise<T>): Promise<T>
}

/** What holds for one run of `migrate` or `cutover`, by its options and by the configuration, and who writes it down. */
export async function openGuard(
  verb: 'migrate' | 'cutover',
  way: string,
  options: GuardOptions,
  /** Where a copy of its journal lies. */
  sink: string | undefined,
  context: VerbContext,
): Promise<OpenedGuard> {
  const loaded = await readConfig(options, context)
  const log = await auditAt(options.audit ?? loaded?.config.audit?.file)
  const keys = await keyNames(log, options)
  const say = { verb, way, options, keys, sink }
  let begun = false
  return {
    guard: {
      policyOf: async (flags) => {
        const job = await jobOf(loaded, way, flags, options, context)
        return {
          ...{ classification: job?.classification ?? options.classification, job: job?.name },
          ...{ classified: job?.classified ?? true, audit: log !== undefined },
          ...{ rtoMs: options.rto ?? job?.rtoMs, rpoMs: options.rpo ?? job?.rpoMs },
          emergency: options.emergency === true,
        }
      },
      async recorded(run, work) {
        begun = true
        const emergency = run.emergency && { overridden: [...run.emergency.overridden] }
        const request = { log, facts: factsOf(run, say), emergency, keptIn: 'journal and report say so' }
        return await recordedRun(request, (_, overriding) => work(overriding?.overridden ?? []), context)
      },
    },
    async watched(flags, work) {
      try {
        return await work()
      } catch (thrown) {
        if (!begun && isNews(thrown))
          await recordRefusal(thrown, { log, facts: factsOf({ flags }, say) }, context)
        throw thrown
      }
    },
  }
}

/** A slip of the pen is none: nothing was opened. */
function isNews(thrown: unknown): boolean {
  return !(thrown instanceof LifeboatError && (thrown.code === 'usage' || thrown.code === 'config'))
}

interface Said {
  readonly verb: string
  readonly way: string
  readonly options: GuardOptions
  readonly keys: readonly string[]
  readonly sink: string | undefined
}

function factsOf(
  { flags, run, job, makes }: Pick<RecordedRun, 'flags'> & Partial<RecordedRun>,
  { verb, way, options, keys, sink }: Said,
): AuditFacts {
  const { source, target, db = [], from, to, accept = [] } = flags
  const runbook = run ?? options.resume
  const about = job ?? options.job
  const { confirm, resume, simulate } = options
  const far = setOptions({
    ...{ confirm, resume: resume !== undefined, simulate: simulate !== undefined },
    ...{ failover: flags.failover, 'recreate-replica': flags.recreateReplica },
  })
  return {
    ...{ verb, way },
    ...(about !== undefined && { job: about }),
    ...(runbook !== undefined && { runbook }),
    ...place('source', source, db[0] ?? from),
    ...place('target', target, makes ?? flags.targetId ?? to),
    ...(sink !== undefined && { sinks: [sink] }),
    ...(keys.length > 0 && { keys: [...keys] }),
    ...(accept.length > 0 && { accepted: [...accept] }),
    ...(far.length > 0 && { options: far }),
  }
}

/** `eu-west-1/shop`; nothing of a run that was to go on and about which nothing is known. */
function place(
  name: 'source' | 'target',
  region: string | undefined,
  what: string | undefined,
): Pick<AuditFacts, 'source' | 'target'> {
  if (region === undefined) return {}
  return { [name]: what === undefined ? region : `${region}/${what}` }
}

/** A slip in the file must keep nobody from leaving a region; but nobody escapes a class by it either, without having said so. */
async function readConfig(
  options: GuardOptions,
  { environment, reporter }: VerbContext,
): Promise<LoadedConfig | undefined> {
  const { findConfig } = await import('../config/find-config.ts')
  try {
    return await findConfig(options.config, environment)
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError)) throw thrown
    const isPlan = options.dryRun === true || options.printPolicy === true
    if (!isPlan && options.emergency !== true) {
      throw new LifeboatError(thrown.code, thrown.message, {
        hint: 'Mend the file; or go on without it: add --emergency, and --audit ./audit.jsonl to have it recorded all the same.',
        cause: thrown,
      })
    }
    reporter.warn({
      message: `the class of this database is not known: ${messageOf(thrown)}`,
      hint: thrown.hint ?? 'Mend the file.',
    })
    return undefined
  }
}

async function jobOf(
  loaded: LoadedConfig | undefined,
  way: string,
  flags: MigrateRequest['flags'],
  options: GuardOptions,
  context: VerbContext,
): Promise<JobClass | undefined> {
  const job = await findJob(loaded, way, flags, options, context)
  if (job === undefined || options.classification === undefined) return job
  throw new LifeboatError(
    'usage',
    `unable to start: job '${job.name}', which is about this database, has its class in the configuration, and --classification is given`,
    {
      hint: 'Leave out --classification; if the data must be out now, --emergency overrides what the class demands.',
    },
  )
}

async function findJob(
  loaded: LoadedConfig | undefined,
  way: string,
  flags: MigrateRequest['flags'],
  { job: name, config, backups }: GuardOptions,
  { environment }: VerbContext,
): Promise<JobClass | undefined> {
  const { jobAbout, resolveJobClass } = await import('../config/job-class.ts')
  if (name !== undefined) {
    const jobs = loaded?.config.jobs ?? {}
    // Of backups it names the series, which need be no job of this configuration.
    if (Object.hasOwn(jobs, name) || (way !== 'native' && backups === undefined)) {
      const { needConfig } = await import('../config/find-config.ts')
      return resolveJobClass(loaded ?? (await needConfig(config, environment)), name)
    }
  }
  if (loaded === undefined) return undefined
  const { source, db = [], from, to } = flags
  const hosts = [from, to].flatMap((place) => place?.replace(/:\d+$/, '').toLowerCase() ?? [])
  return jobAbout(loaded, { region: source, id: db[0]?.toLowerCase(), hosts })
}
