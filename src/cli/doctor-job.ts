import type { ResolvedJob } from '../config/job.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { Sink } from '../core/sink.ts'
import type { DoctorOptions } from './doctor.ts'
import type { DumpPlan } from './dump-plan.ts'
import type { VerbContext } from './run-verb.ts'

export interface DoctoredJob {
  /** As if the first of its sinks and all else had been given by options. */
  readonly options: DoctorOptions
  readonly passwordOption: string
  /** The places of its copies, who signs, and the rules of its class. */
  readonly more: AsyncIterable<Finding>
}

const CONTRADICTING = ['from', 'into', 'to', 'at', 'job', 'recipient', 'password', 'staging'] as const

/** `doctor JOB`: what the job would need, and what its class demands. */
export async function doctoredJob(
  name: string,
  options: DoctorOptions,
  context: VerbContext,
): Promise<DoctoredJob> {
  const given = CONTRADICTING.filter((flag) => options[flag] !== undefined).map((flag) => `--${flag}`)
  if (given.length > 0) {
    throw new LifeboatError(
      'usage',
      `unable to start: job '${name}' says all, and ${given.join(' and ')} is given too`,
      { hint: 'Leave out the one that is not meant.' },
    )
  }
  const [{ needConfig }, { resolveJob }, { planJob }] = await Promise.all([
    import('../config/find-config.ts'),
    import('../config/job.ts'),
    import('./dump-plan.ts'),
  ])
  const loaded = await needConfig(options.config, context.environment)
  const job = resolveJob(loaded, name)
  const plan = planJob({ encryption: true }, job, loaded)
  const { source, sinks, recipients } = job
  return {
    options: {
      ...options,
      from: source.url,
      to: sinks[0].name,
      job: name,
      ...(recipients.length > 0 && { recipient: recipients }),
      ...(source.password !== undefined && { password: source.password }),
      ...(source.staging !== undefined && { staging: source.staging }),
    },
    passwordOption: `jobs.${name}.source.password`,
    more: moreFindings({ job, plan, audit: loaded.config.audit !== undefined }, options, context),
  }
}

interface Doctored {
  readonly job: ResolvedJob
  readonly plan: DumpPlan
  readonly audit: boolean
}

async function* moreFindings(
  doctored: Doctored,
  { offline = false }: DoctorOptions,
  context: VerbContext,
): AsyncGenerator<Finding> {
  const { job, plan } = doctored
  const [
    { createManifestTrust, openSink },
    { checkCopies, guarded },
    { checkCopiesOffline },
    { checkSigning },
    { openDumpSigner },
    { systemClock },
  ] = await Promise.all([
    import('../app/registry.ts'),
    import('../app/doctor.ts'),
    import('../app/doctor-offline.ts'),
    import('../app/doctor-signing.ts'),
    import('./dump-signer.ts'),
    import('../core/clock.ts'),
  ])
  const places = plan.sinks.map((sink) => {
    const secrets = context.plannedSinkContext(sink)
    const open = () => openSink(sink.url, secrets)
    return { use: 'write' as const, job: job.name, url: sink.url, open }
  })
  const copies = places.slice(1)
  const { aws } = context.environment
  yield* offline
    ? checkCopiesOffline(
        copies.map(({ url }) => url),
        { aws, database: plan.source, clock: systemClock },
        context.signal,
      )
    : checkCopies(copies, plan.source, systemClock, context.signal)
  const signing = {
    signer: () => openDumpSigner(plan, context),
    trust: () => createManifestTrust(plan.signers),
  }
  yield* guarded('signing', checkSigning(signing, context.signal), context.signal)
  const open = offline ? [] : places.map((place) => place.open)
  yield* guarded('rules', ruleFindings(doctored, open, context.signal), context.signal)
}

/** `open` is empty where no place is asked. */
async function* ruleFindings(
  { plan, audit }: Doctored,
  open: readonly (() => Promise<Sink>)[],
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const [{ policyFindings }, { drillsTrusting, judgeJob }] = await Promise.all([
    import('../app/policy/policy-findings.ts'),
    import('./job-policy.ts'),
  ])
  await using opened = new AsyncDisposableStack()
  const sinks: Sink[] = []
  for (const each of open) sinks.push(opened.use(await each()))
  const asked = sinks.length > 0
  const ask = asked
    ? { sinks, lastDrill: drillsTrusting(plan.signers) }
    : { notAsked: 'for --offline asks no place' }
  yield* policyFindings(await judgeJob(plan, { audit, ask }, signal), asked)
}
