import { hostname } from 'node:os'
import type { DrillReport, DrillRequest, DrillTarget } from '../app/drill/run-drill.ts'
import { runDrill } from '../app/drill/run-drill.ts'
import { createDecodeStages, createManifestSigner, openEngine, openSink } from '../app/registry.ts'
import { createAskReady } from '../app/throwaway/ask-ready.ts'
import { startContainerServer } from '../app/throwaway/container-server.ts'
import { startLocalServer } from '../app/throwaway/local-server.ts'
import type { ThrowawayServer } from '../app/throwaway/throwaway-server.ts'
import { version } from '../config/version.ts'
import { checkJobName } from '../core/backup-layout.ts'
import { systemClock } from '../core/clock.ts'
import { keyNames, openAudit, recorded, setOptions } from './audit-log.ts'
import { type DrillOptions, type DrillPlan, planDrill } from './drill-plan.ts'
import { drillText } from './drill-text.ts'
import { watchDrill } from './drill-watch.ts'
import { plannedSink } from './dump-plan.ts'
import { errorObject } from './print-error.ts'
import { withRunTimeout } from './run-timeout.ts'
import { jobLog, type Outcome, startLog, type VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'
import { readTrust } from './trust.ts'

export async function drill(
  what: string | undefined,
  options: DrillOptions,
  context: VerbContext,
): Promise<Outcome> {
  const plan = await planDrill(what, options, context)
  const { reporter } = context
  const { configured } = plan
  if (configured !== undefined) await startLog(jobLog(options, configured.loaded.config.log), context)
  reporter.about(plan.job)
  const request = await requestOf(plan, options, context)
  const address = await addressOf(plan, options, context)
  await using sink = await openSink(address.url, address.context)
  const log = await openAudit(options, context)
  const facts = {
    verb: 'drill',
    job: plan.job,
    backup: plan.id ?? 'latest',
    sinks: [sink.name],
    target: plan.target.kind,
    keys: await keyNames(log, { key: plan.keys, gpg: plan.gpg }),
    options: setOptions({ replace: request.replace }),
  }
  using timed = withRunTimeout(
    context.signal,
    plan.timeoutMs,
    options.timeout === undefined ? 'drill.timeout' : '--timeout',
  )
  await using watch = await watchDrill({ plan, sink: sink.name, config: options.config }, context)
  const report = await watch.run((onEvent) =>
    recorded(
      log,
      facts,
      async ({ head: audit, note, failed }) => {
        const recording = audit === undefined ? {} : { audit }
        const drilled = await runDrill({ ...request, ...recording, sink, onEvent }, timed.signal)
        note({ backup: drilled.evidence.backup.id })
        if (drilled.error !== undefined) failed(drilled.error)
        return drilled
      },
      context,
    ),
  )
  reporter.close()
  if (report.error !== undefined) reporter.fail(report.error)
  return {
    text: drillText(report, sink.name),
    json: (warnings) => drillJson(report, sink.name, warnings),
    exitCode: report.error?.exitCode ?? 0,
  }
}

async function addressOf(plan: DrillPlan, options: DrillOptions, context: VerbContext) {
  const first = plan.configured?.job.sinks[0]
  if (plan.at !== undefined || first === undefined) return sinkAddress(plan.at, '--at', options, context)
  const planned = plannedSink(first)
  return { url: planned.url, context: context.plannedSinkContext(planned) }
}

async function requestOf(
  plan: DrillPlan,
  options: DrillOptions,
  context: VerbContext,
): Promise<Omit<DrillRequest, 'sink'>> {
  const { environment, reporter, signal } = context
  const { searchPath } = environment
  const { keys, gpg, signing } = plan
  const passphrase = context.secret(
    plan.passphrase.option,
    plan.passphrase.reference,
    'passphrase of the OpenPGP key',
  )
  const signingPassphrase = context.secret(
    signing.passphrase.option,
    signing.passphrase.reference,
    'passphrase of the signing key',
  )
  const signer = await createManifestSigner(
    {
      ...(signing.file !== undefined && { file: signing.file }),
      ...(signing.gpg !== undefined && { gpg: signing.gpg }),
      ...(signingPassphrase !== undefined && { passphrase: signingPassphrase }),
      searchPath,
    },
    signal,
  )
  const open = ({ url, password }: ThrowawayServer) =>
    openEngine(url, { searchPath, ...(password !== undefined && { password }) })
  return {
    job: checkJobName(plan.job),
    id: plan.id,
    target: targetOf(plan, open, context),
    openEngine: open,
    replace: plan.target.kind === 'into' && plan.target.replace,
    decoders: (manifest) => createDecodeStages(manifest, { keys, passphrase, gpg, searchPath }),
    jobs: plan.jobs,
    checks: plan.checks,
    promised: plan.promised,
    ...(await readTrust(options, context)),
    ...(signer !== undefined && { signer }),
    version,
    host: hostname(),
    clock: systemClock,
    onEvent: reporter.onEvent,
  }
}

function targetOf(
  { target, scratch, runAs }: DrillPlan,
  open: DrillRequest['openEngine'],
  context: VerbContext,
): DrillTarget {
  const { searchPath } = context.environment
  const common = {
    searchPath,
    ask: createAskReady(open, target.kind === 'container'),
    clock: systemClock,
    onEvent: context.reporter.onEvent,
  }
  switch (target.kind) {
    case 'local':
      return {
        kind: 'local',
        start: (model, plainBytes, signal) =>
          startLocalServer(
            model,
            {
              ...common,
              plainBytes,
              ...(scratch !== undefined && { scratch }),
              ...(runAs !== undefined && { runAs }),
            },
            signal,
          ),
      }
    case 'container': {
      const { image } = target
      return {
        kind: 'container',
        start: (model, _plainBytes, signal) =>
          startContainerServer(model, { ...common, ...(image !== undefined && { image }) }, signal),
      }
    }
    case 'into': {
      const { option, reference } = target.password
      const password = context.secret(option, reference, 'password of the database account')
      const server: ThrowawayServer = {
        url: target.url,
        ...(password !== undefined && { password }),
        [Symbol.asyncDispose]: async () =>
          context.reporter.warn({
            message: 'what the drill restored into the scratch server stays there',
            hint: 'it is as secret as the backup: drop it when you are done; --replace lets the next drill do so',
          }),
      }
      return { kind: 'into', start: async () => server }
    }
  }
}

function drillJson(report: DrillReport, sink: string, warnings: readonly object[]): object {
  const { evidence, key, checks, durationMs, error } = report
  const { format: _format, checks: _checks, ...facts } = evidence
  return {
    ...facts,
    sink,
    record: key ?? null,
    checks,
    durationMs,
    ...(error !== undefined && { error: errorObject(error) }),
    warnings,
  }
}
