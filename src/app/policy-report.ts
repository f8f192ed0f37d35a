import type { MigrationPolicyRecord } from './policy/heed-migration.ts'
import { showTime } from './policy/rule.ts'
import type { RunbookJournal } from './runbook-journal.ts'

/** What a run was held to, and whether it kept to what was promised. docs/json.md describes it. */
export interface PolicyReport {
  readonly classification: MigrationPolicyRecord['classification']
  readonly classified: boolean
  readonly job: string | null
  readonly rules: MigrationPolicyRecord['rules']
  readonly emergency: MigrationPolicyRecord['emergency']
  readonly rto: PromiseReport
  readonly rpo: PromiseReport
}

interface PromiseReport {
  readonly promisedMs: number | null
  /** How long the run took, from its first start; how old that was which it took over. Null where nobody knows. */
  readonly measuredMs: number | null
  readonly kept: boolean | null
}

export function policyReport(
  { records }: Pick<RunbookJournal, 'records'>,
  outcome: string,
): PolicyReport | null {
  const found = records.findLast((record) => record.event === 'policy')
  if (found?.event !== 'policy') return null
  const { classification, classified, job, rules, emergency, rtoMs, rpoMs, lossMs } = found
  const [first, last] = [records[0]?.at, records.at(-1)?.at]
  const took =
    outcome === 'done' && first !== undefined && last !== undefined
      ? Date.parse(last) - Date.parse(first)
      : null
  return {
    ...{ classification, classified, job, rules, emergency },
    rto: promise(rtoMs, took),
    rpo: promise(rpoMs, lossMs),
  }
}

function promise(promisedMs: number | null, measuredMs: number | null): PromiseReport {
  const kept = promisedMs === null || measuredMs === null ? null : measuredMs <= promisedMs
  return { promisedMs, measuredMs, kept }
}

export function policyLines(report: PolicyReport): readonly string[] {
  const { classification, classified, job, rules, emergency, rto, rpo } = report
  const broken = rules.filter(({ state }) => state !== 'ok')
  return [
    ...(classification === null
      ? []
      : [
          `class ${classification}${classified ? '' : ', as which it counts since it states none'}${job === null ? '' : `, of job ${job}`}: ` +
            `${rules.length - broken.length} of ${rules.length} rules met`,
        ]),
    ...broken.map(({ rule, state, found }) => `${rule}: ${state}, ${found}`),
    ...(emergency === null
      ? []
      : [
          `emergency, which overrode ${emergency.overridden.length === 0 ? 'nothing' : emergency.overridden.join(', ')}`,
        ]),
    ...promiseLine('RTO', 'the run took', rto),
    ...promiseLine('RPO', 'what it took over was', rpo, ' old'),
  ]
}

function promiseLine(
  name: string,
  what: string,
  { promisedMs, measuredMs, kept }: PromiseReport,
  tail = '',
): string[] {
  if (promisedMs === null) return []
  const measured = measuredMs === null ? 'not known' : `${what} ${showTime(measuredMs)}${tail}`
  return [
    `${name}: ${showTime(promisedMs)} promised, ${measured}${kept === null ? '' : kept ? ': kept' : ': not kept'}`,
  ]
}
