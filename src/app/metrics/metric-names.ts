/** Every metric that lifeboat has, with what Prometheus shows of it. All are gauges: each run replaces what was said. */
export const METRICS = {
  lifeboat_last_run_timestamp_seconds: 'When the last dump of the job ended, well or not.',
  lifeboat_last_run_success: 'Whether the last dump of the job went well: 1 or 0.',
  lifeboat_last_run_exit_code: 'Exit code of the last dump of the job.',
  lifeboat_last_run_duration_seconds: 'How long the last dump of the job took.',
  lifeboat_last_success_timestamp_seconds: 'When the last dump of the job that went well ended.',
  lifeboat_last_success_duration_seconds: 'How long it took, copies to other sinks included.',
  lifeboat_last_success_plain_bytes: 'Its size before compression.',
  lifeboat_last_success_stored_bytes: 'Its size as stored at one sink.',
  lifeboat_last_success_plain_bytes_per_second: 'Its rate, copies to other sinks included.',
  lifeboat_newest_backup_timestamp_seconds:
    'When the newest backup that was made here began: time() less this is the age of its data.',
  lifeboat_last_verify_timestamp_seconds: 'When the backups of the job at the sink were last verified.',
  lifeboat_last_verify_success: 'Whether all that was then asked for was so: 1 or 0.',
  lifeboat_last_verify_exit_code: 'Exit code that it stands for.',
  lifeboat_last_verify_good_backups: 'How many were then found to be good.',
  lifeboat_last_verify_bad_backups: 'How many were not.',
  lifeboat_verified_backup_timestamp_seconds:
    'When the newest backup that was then found to be good began: time() less this is the age of its data.',
  lifeboat_last_drill_timestamp_seconds: 'When the last drill of the job at the sink ended, well or not.',
  lifeboat_last_drill_success: 'Whether it passed: 1 or 0.',
  lifeboat_last_drill_exit_code: 'Its exit code: 44 where all was well, but slower or older than promised.',
  lifeboat_last_drill_failed_checks: 'How many of its check queries failed.',
  lifeboat_last_drill_restore_seconds:
    'Real RTO: from its start until the last check had passed; absent where it did not come to that.',
  lifeboat_last_drill_data_age_seconds: 'Real RPO: how old the data were at its start.',
  lifeboat_last_passed_drill_timestamp_seconds: 'When the last drill ended that passed.',
} as const

export type MetricName = keyof typeof METRICS

/** What is replaced together: of one kind, of one job, at one sink where there are several. */
export interface MetricsRecord {
  readonly kind: 'run' | 'success' | 'verify' | 'drill' | 'passed-drill'
  readonly job: string
  readonly sink?: string
  readonly values: Readonly<Partial<Record<MetricName, number>>>
}
