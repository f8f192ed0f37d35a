import type { Recording } from '../app/audit/audited.ts'
import type { AuditLog } from '../app/audit/log.ts'
import type { ClassifiedDump, PolicyRecord } from '../app/policy/heed-policy.ts'
import type { AuditFacts } from '../core/audit-record.ts'
import type { Sink } from '../core/sink.ts'
import type { DumpPlan } from './dump-plan.ts'
import { recordedRun, recordRefusal } from './recorded-run.ts'
import type { VerbContext } from './run-verb.ts'

export interface PolicySubject {
  readonly sinks: readonly Sink[]
  readonly facts: AuditFacts
  readonly log: AuditLog | undefined
}

/** Throws `policy` where the plan is not what its class demands; that it was tried is recorded too. */
export async function heedPolicy(
  plan: DumpPlan,
  { sinks, facts, log }: PolicySubject,
  context: VerbContext,
): Promise<PolicyRecord> {
  const { classification, emergency } = plan
  if (classification === undefined && !emergency) return {}
  const [{ heedDumpPolicy }, { drillsTrusting }] = await Promise.all([
    import('../app/policy/heed-policy.ts'),
    import('./job-policy.ts'),
  ])
  const signed = facts.signer !== undefined
  const dump =
    classification &&
    (await classifiedDump(plan, {
      signed,
      audit: log !== undefined,
      fingerprints: async () => facts.recipients ?? [],
      ask: { sinks, lastDrill: drillsTrusting(plan.signers) },
    }))
  // What the run would not have had anyway is nothing to go without.
  const looked = plan.configured && plan.sinks.some(({ url }) => /^s3:/i.test(url))
  const unsigned = !signed && signs(plan)
  const without = [
    ...(unsigned ? ['signing'] : []),
    ...(plan.lease === undefined ? [] : ['lease']),
    ...(looked ? ['bucket-posture'] : []),
  ]
  const policy = {
    dump,
    emergency: emergency ? { without } : undefined,
    onEvent: context.reporter.onEvent,
  }
  try {
    return await heedDumpPolicy(policy, context.signal)
  } catch (thrown) {
    await recordRefusal(thrown, { log, facts }, context)
    throw thrown
  }
}

export interface RecordedDump {
  readonly log: AuditLog | undefined
  readonly facts: AuditFacts
  readonly policy: PolicyRecord
}

export async function recordedDump<T>(
  run: (recording: Recording, policy: PolicyRecord) => Promise<T>,
  { log, facts, policy }: RecordedDump,
  context: VerbContext,
): Promise<T> {
  const { emergency } = policy
  return await recordedRun(
    { log, facts, emergency, keptIn: 'the manifest says so' },
    (recording, overriding) => run(recording, { ...policy, ...(overriding && { emergency: overriding }) }),
    context,
  )
}

/** The plan as the rules see it; undefined where it has no class. */
export async function classifiedDump(
  plan: DumpPlan,
  known: Pick<ClassifiedDump, 'ask' | 'audit' | 'fingerprints'> & Partial<Pick<ClassifiedDump, 'signed'>>,
): Promise<ClassifiedDump | undefined> {
  const { job, classification, classified, source, staging, verify, rtoMs, rpoMs } = plan
  if (classification === undefined) return undefined
  const { systemClock } = await import('../core/clock.ts')
  return {
    signed: signs(plan),
    ...known,
    job,
    classification,
    classified,
    source,
    staging,
    sinks: plan.sinks.map(({ url }) => url),
    verify,
    rtoMs,
    rpoMs,
    drillMaxAgeMs: plan.drillMaxAgeMs,
    clock: systemClock,
  }
}

function signs({ signing }: DumpPlan): boolean {
  return signing.file !== undefined || signing.gpg !== undefined
}
