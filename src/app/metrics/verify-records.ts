import type { Manifest } from '../../core/manifest.ts'
import type { MetricsRecord } from './metric-names.ts'

/** What a verification found of one job. */
export interface VerifiedJob {
  readonly job: string
  readonly exitCode: number
  readonly good: readonly Pick<Manifest, 'started'>[]
  readonly bad: number
}

export function verifyRecords(
  sink: string,
  jobs: readonly VerifiedJob[],
  at: Date,
): readonly MetricsRecord[] {
  return jobs.map(({ job, exitCode, good, bad }) => ({
    kind: 'verify',
    job,
    sink,
    values: {
      lifeboat_last_verify_timestamp_seconds: at.getTime() / 1000,
      lifeboat_last_verify_success: exitCode === 0 ? 1 : 0,
      lifeboat_last_verify_exit_code: exitCode,
      lifeboat_last_verify_good_backups: good.length,
      lifeboat_last_verify_bad_backups: bad,
      ...(good.length > 0 && {
        lifeboat_verified_backup_timestamp_seconds:
          Math.max(...good.map(({ started }) => Date.parse(started))) / 1000,
      }),
    },
  }))
}
