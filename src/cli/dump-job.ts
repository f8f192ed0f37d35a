import type { Recording } from '../app/audit/audited.ts'
import type { AuditLog } from '../app/audit/log.ts'
import type { CopyReport } from '../app/copy-backup.ts'
import type { DumpReport } from '../app/dump.ts'
import type { Lease } from '../app/lease.ts'
import type { PolicyRecord } from '../app/policy/heed-policy.ts'
import type { AuditFacts } from '../core/audit-record.ts'
import type { Sink } from '../core/sink.ts'
import type { DumpPlan, PlannedSink } from './dump-plan.ts'
import { heedPolicy, recordedDump } from './dump-policy.ts'
import { openDumpSigner } from './dump-signer.ts'
import type { VerbContext } from './run-verb.ts'
import { strings } from './summary.ts'

export interface DumpJobReport {
  readonly dump: DumpReport
  readonly sink: string
  readonly copies: readonly { readonly sink: string; readonly bytes: number }[]
  /** What was stored was looked at afterwards, at each place. */
  readonly verified: boolean
}

interface OpenedSink {
  readonly sink: Sink
  readonly lease?: Lease
}

/** Runs one plan: the dump to its first sink, then a verified copy to each other. */
export async function dumpJob(
  plan: DumpPlan,
  log: AuditLog | undefined,
  context: VerbContext,
): Promise<DumpJobReport> {
  const { environment, reporter } = context
  const [
    registry,
    { runDump },
    { copyBackup },
    { createLease },
    { openRunJournal },
    { systemClock },
    { checkJobName },
    { version },
    { withRunTimeout },
  ] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/dump.ts'),
    import('../app/copy-backup.ts'),
    import('../app/lease.ts'),
    import('../app/journals.ts'),
    import('../core/clock.ts'),
    import('../core/backup-layout.ts'),
    import('../config/version.ts'),
    import('./run-timeout.ts'),
  ])
  const job = checkJobName(plan.job)
  const { codec, level, recipients } = plan
  const password = context.secret(
    plan.password.option,
    plan.password.reference,
    'password of the database account',
  )
  const stages = await registry.createEncodeStages({ codec, level, recipients })
  const signer = await openDumpSigner(plan, context)
  // A key file that is wrong must not show only after the dump; an emergency does not look.
  const trust = plan.verify && !plan.emergency ? await registry.createManifestTrust(plan.signers) : undefined
  await using opened = new AsyncDisposableStack()
  // Secrets are read, or asked for, once: the lease opens each place a second time.
  const open = async (planned: PlannedSink): Promise<OpenedSink> => {
    const secrets = context.plannedSinkContext(planned)
    const sink = opened.use(await registry.openSink(planned.url, secrets))
    if (plan.lease === undefined || plan.emergency) return { sink }
    const lease = createLease({
      ...plan.lease,
      sink: opened.use(await registry.openSink(planned.url, secrets)),
      job,
      version,
      clock: systemClock,
      onEvent: reporter.onEvent,
    })
    return { sink, lease: opened.use(lease) }
  }
  const { sink, lease } = await open(plan.sinks[0])
  const others: OpenedSink[] = []
  for (const each of plan.sinks.slice(1)) others.push(await open(each))
  const staging =
    plan.staging === undefined
      ? undefined
      : opened.use(registry.stagingAt(plan.staging, context.plannedSinkContext(plan.sinks[0])))
  const engine = opened.use(
    await registry.openEngine(plan.source, {
      searchPath: environment.searchPath,
      ...(password !== undefined && { password }),
      ...(staging !== undefined && { staging: staging.open }),
    }),
  )
  const places = [sink, ...others.map((other) => other.sink)]
  const facts: AuditFacts = {
    verb: 'dump',
    job,
    source: engine.target,
    sinks: places.map(({ name }) => name),
    recipients: stages.flatMap(({ facts }) => strings(facts.recipients)),
    ...(signer !== undefined && { signer: signer.fingerprint }),
  }
  const policy = await heedPolicy(plan, { sinks: places, facts, log }, context)
  if (recipients.length === 0) {
    reporter.warn({
      message: 'this backup is not encrypted',
      hint: 'whoever can read the sink can read the data',
    })
  }
  const journal = await openRunJournal(environment.stateFolder)
  if (plan.configured && !plan.emergency) await warnOfBuckets(plan, context)
  using timed = withRunTimeout(context.signal, plan.runTimeoutMs)
  const run = async ({ head: audit, note }: Recording, heeded: PolicyRecord): Promise<DumpJobReport> => {
    const dump = await runDump(
      {
        engine,
        sink,
        stages,
        job,
        ...(plan.id !== undefined && { id: plan.id }),
        counts: plan.counts,
        jobs: plan.jobs,
        stallTimeoutMs: plan.stallTimeoutMs,
        maxChunks: Math.min(...others.map((other) => other.sink.traits.maxChunks)),
        ...(signer !== undefined && { signer }),
        ...(audit !== undefined && { audit }),
        ...(lease !== undefined && { lease }),
        policy: heeded,
        version,
        journal,
        clock: systemClock,
        onEvent: reporter.onEvent,
      },
      timed.signal,
    )
    const copies: DumpJobReport['copies'][number][] = []
    const { id } = dump.manifest
    note({ backup: id })
    for (const { sink: to, lease: there } of others) {
      const leased = there === undefined ? {} : { lease: there }
      const request = { from: sink, to, job, id, journal, onEvent: reporter.onEvent, ...leased }
      const copy: CopyReport = await copyBackup(request, timed.signal)
      copies.push({ sink: to.name, bytes: copy.copiedBytes })
    }
    if (plan.verify) {
      const { verifyStored } = await import('../app/verify-stored.ts')
      const request = { job, id, clock: systemClock, onEvent: reporter.onEvent, ...(trust && { trust }) }
      for (const place of places) await verifyStored({ ...request, sink: place }, timed.signal)
    }
    return { dump, sink: sink.name, copies, verified: plan.verify }
  }
  const report = await recordedDump(run, { log, facts, policy }, context)
  if (plan.inventory !== undefined && !plan.emergency) {
    const { inventoryAfterDump } = await import('./dump-inventory.ts')
    await inventoryAfterDump(plan.inventory, { job, sinks: places, recipients, signer }, context)
  }
  return report
}

/** Of a job that is to run by itself for a long time, somebody should hear once what its buckets lack. */
async function warnOfBuckets(plan: DumpPlan, { environment, reporter, signal }: VerbContext): Promise<void> {
  const { warnBeforeFirstDump } = await import('../app/doctor-bucket.ts')
  const { stateFolder } = environment
  for (const { url: sinkUrl } of plan.sinks) {
    const first = { sinkUrl, databaseUrl: plan.source, stateFolder, onEvent: reporter.onEvent }
    await warnBeforeFirstDump(first, signal)
  }
}
