import { loginUrl } from '../app/logged-database.ts'
import { createNativeDump, type NativeDump, type NativeDumpRequest } from '../app/native-dump.ts'
import { systemClock } from '../core/clock.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { LifeboatError } from '../core/errors.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { DumpPlan } from './dump-plan.ts'
import type { MigrateOptions } from './migrate.ts'
import type { Reporter } from './reporter.ts'
import type { VerbContext } from './run-verb.ts'

export interface DumpPlace {
  readonly sink: Sink
  readonly job: string
  readonly trust?: SignatureTrust
}

/** A dump of the old database as a step of the way. Without --dump-now it only knows whether an earlier start has made one. */
export async function openNativeDump(
  options: MigrateOptions,
  { sink, job, ...trust }: DumpPlace,
  context: VerbContext,
): Promise<NativeDump> {
  const planned = options.dumpNow === true ? await planNow(options, job, context) : undefined
  return createNativeDump({
    ...{ sink, ...trust, clock: systemClock, onEvent: context.reporter.onEvent },
    folder: `${context.environment.stateFolder}/native-dumps`,
    plan: {
      ...{ job, sink: sink.name, engine: planned?.engine ?? '' },
      ...{ from: planned?.from ?? null, line: planned?.line ?? [] },
    },
    async dump(source, id, onEvent, signal) {
      if (planned === undefined) throw unsaid()
      const { dumpJob } = await import('./dump-job.ts')
      const { openAudit } = await import('./audit-log.ts')
      const reporter = telling(context.reporter, onEvent)
      const log = await openAudit(options, context)
      await dumpJob({ ...planned.planFor(source), id }, log, { ...context, reporter, signal })
    },
  })
}

/** Null where the job says whom. */
type DumpedAt = Parameters<NativeDumpRequest['dump']>[0]

interface PlannedNow extends Pick<NativeDumpRequest['plan'], 'engine' | 'from' | 'line'> {
  planFor(source: DumpedAt): DumpPlan
}

/** By a job of the configuration, which knows its source, or by the account of --login at whichever endpoint. */
async function planNow(options: MigrateOptions, job: string, context: VerbContext): Promise<PlannedNow> {
  const [{ findConfig }, { resolveJob, resolveSigning }, { planDump, planJob }] = await Promise.all([
    import('../config/find-config.ts'),
    import('../config/job.ts'),
    import('./dump-plan.ts'),
  ])
  const { backups, login, recipient, encryption = true, config, dumpPassword, password } = options
  const { sinkPassword, sinkPassphrase, classification, rto, rpo, emergency } = options
  const loaded = await findConfig(config, context.environment)
  const shared = {
    ...{
      encryption,
      ...(backups !== undefined && { to: backups }),
      ...(recipient !== undefined && { recipient }),
    },
    ...(sinkPassword !== undefined && { sinkPassword }),
    ...(sinkPassphrase !== undefined && { sinkPassphrase }),
    ...(emergency !== undefined && { emergency }),
  }
  // A job of the configuration has its own.
  const held = {
    ...(classification !== undefined && { classification }),
    ...{ ...(rto !== undefined && { rto }), ...(rpo !== undefined && { rpo }) },
  }
  const to = ['--to', backups ?? '']
  if (loaded !== undefined && Object.hasOwn(loaded.config.jobs ?? {}, job)) {
    const own = dumpPassword === undefined ? shared : { ...shared, password: dumpPassword }
    const plan = planJob(own, resolveJob(loaded, job), loaded)
    const line = ['lifeboat', 'dump', job, ...(config === undefined ? [] : ['--config', config]), ...to]
    return { engine: schemeOf(plan.source), from: plan.source, line, planFor: () => plan }
  }
  if (login === undefined) throw unsaid()
  const secret = dumpPassword === undefined ? '--password' : '--dump-password'
  const planFor = (source: DumpedAt): DumpPlan => {
    const from = source === null ? login : loginUrl(login, source)
    const plan = planDump({ ...shared, ...held, job, from }, undefined, loaded && resolveSigning(loaded))
    return { ...plan, password: { option: secret, reference: dumpPassword ?? password } }
  }
  // What can't be planned is better known before the run begins.
  const { recipients } = planFor(null)
  const source = loginUrl(login, { host: 'ENDPOINT', port: 0 }).replace('ENDPOINT:0', 'ENDPOINT')
  const keys =
    recipients.length === 0 ? ['--no-encryption'] : recipients.flatMap((file) => ['--recipient', file])
  const line = ['lifeboat', 'dump', '--from', source, '--password', 'prompt:', ...to, '--job', job, ...keys]
  return { engine: schemeOf(login), from: null, line, planFor }
}

function schemeOf(url: string): string {
  const { scheme } = parseDatabaseUrl(url)
  return scheme === 'mssql' ? 'sqlserver' : scheme
}

/** The same reporter, but for who hears of events. */
function telling(reporter: Reporter, onEvent: Reporter['onEvent']): Reporter {
  return {
    ...reporter,
    onEvent,
    get exitCode() {
      return reporter.exitCode
    },
  }
}

function unsaid(): LifeboatError {
  return new LifeboatError('usage', 'unable to dump the old database: nobody was named who could', {
    hint: 'Say it again: --dump-now, with --login URL and --dump-password REF, or a --job of the configuration.',
  })
}
