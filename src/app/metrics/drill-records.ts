import type { Evidence } from '../../core/evidence.ts'
import type { MetricsRecord } from './metric-names.ts'

/** What a drill found; `evidence` is undefined where there was no backup to try. */
export interface DrilledJob {
  readonly job: string
  readonly sink: string
  readonly exitCode: number
  readonly evidence: Pick<Evidence, 'checks' | 'rto' | 'rpo'> | undefined
}

export function drillRecords(
  { job, sink, exitCode, evidence }: DrilledJob,
  ended: Date,
): readonly MetricsRecord[] {
  const at = ended.getTime() / 1000
  const rtoMs = evidence?.rto.measuredMs ?? null
  const rpoMs = evidence?.rpo.measuredMs ?? null
  const drill: MetricsRecord = {
    kind: 'drill',
    job,
    sink,
    values: {
      lifeboat_last_drill_timestamp_seconds: at,
      lifeboat_last_drill_success: exitCode === 0 ? 1 : 0,
      lifeboat_last_drill_exit_code: exitCode,
      ...(evidence !== undefined && {
        lifeboat_last_drill_failed_checks: evidence.checks.filter(({ outcome }) => outcome === 'failed')
          .length,
      }),
      ...(rtoMs !== null && { lifeboat_last_drill_restore_seconds: rtoMs / 1000 }),
      ...(rpoMs !== null && { lifeboat_last_drill_data_age_seconds: rpoMs / 1000 }),
    },
  }
  if (exitCode !== 0) return [drill]
  const values = { lifeboat_last_passed_drill_timestamp_seconds: at }
  return [drill, { kind: 'passed-drill', job, sink, values }]
}
