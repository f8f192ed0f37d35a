import { messageOf } from '../../core/errors.ts'
import type { RunOutcome, RunWatcher } from '../run-watch.ts'
import type { MetricsRecord } from './metric-names.ts'
import { writeMetrics } from './metrics-file.ts'

export interface MetricsWatcherRequest {
  readonly textfile: string
  readonly onWarning: (message: string, hint: string) => void
}

/** Writes how each run went, one after the other; what can't be written is a warning. */
export function createMetricsWatcher({ textfile, onWarning }: MetricsWatcherRequest): RunWatcher {
  let writing = Promise.resolve()
  return {
    started: () => undefined,
    ended(outcome) {
      writing = writing
        .then(() => writeMetrics(textfile, recordsOf(outcome)))
        .catch((thrown: unknown) =>
          onWarning(
            messageOf(thrown),
            'Make its folder, writable for the account that runs lifeboat; the run itself is not affected.',
          ),
        )
    },
    settled: () => writing,
  }
}

function recordsOf({ job, ended, durationMs, exitCode, backup }: RunOutcome): readonly MetricsRecord[] {
  const run: MetricsRecord = {
    kind: 'run',
    job,
    values: {
      lifeboat_last_run_timestamp_seconds: seconds(ended),
      lifeboat_last_run_success: exitCode === 0 ? 1 : 0,
      lifeboat_last_run_exit_code: exitCode,
      lifeboat_last_run_duration_seconds: durationMs / 1000,
    },
  }
  if (backup === undefined) return [run]
  const { started, plainBytes, storedBytes } = backup
  const success: MetricsRecord = {
    kind: 'success',
    job,
    values: {
      lifeboat_last_success_timestamp_seconds: seconds(ended),
      lifeboat_last_success_duration_seconds: durationMs / 1000,
      lifeboat_last_success_plain_bytes: plainBytes,
      lifeboat_last_success_stored_bytes: storedBytes,
      ...(durationMs > 0 && {
        lifeboat_last_success_plain_bytes_per_second: plainBytes / (durationMs / 1000),
      }),
      lifeboat_newest_backup_timestamp_seconds: seconds(started),
    },
  }
  return [run, success]
}

function seconds(date: Date): number {
  return date.getTime() / 1000
}
