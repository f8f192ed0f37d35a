import type { BegunRun } from '../../src/app/dead-runs.ts'
import { type PruneReport, type PruneRequest, runPrune } from '../../src/app/prune.ts'
import type { LifeboatError } from '../../src/core/errors.ts'
import type { Sink } from '../../src/core/sink.ts'
import { type BackupToStore, clockAt, storeBackup } from './stored-backup.ts'

/** When the backups of a test are pruned. */
export const NOW = '2026-11-22T12:00:00.000Z'
export const DAY_MS = 86_400_000

export interface PruneRun extends PruneReport {
  readonly failures: readonly LifeboatError[]
  readonly warnings: readonly string[]
  /** Ids, by what became of them. */
  readonly kept: readonly string[]
  readonly gone: readonly string[]
}

/** Prunes job `shop` at NOW with confirmation, unless something else is said. */
export async function prune(sink: Sink, request: Partial<PruneRequest> = {}): Promise<PruneRun> {
  const failures: LifeboatError[] = []
  const warnings: string[] = []
  const report = await runPrune(
    {
      sink,
      job: 'shop',
      retention: { last: 1 },
      damaged: false,
      versions: false,
      confirm: true,
      sweepOlderThanMs: 3 * DAY_MS,
      journal: journalOf([]),
      clock: clockAt(NOW),
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.message)
      },
      onFailure: (error) => void failures.push(error),
      ...request,
    },
    new AbortController().signal,
  )
  const idsOf = (...outcomes: readonly string[]) =>
    report.backups.filter(({ outcome }) => outcomes.includes(outcome)).map(({ id }) => id)
  return { ...report, failures, warnings, kept: idsOf('kept'), gone: idsOf('removed', 'would-remove') }
}

export function journalOf(runs: readonly BegunRun[]) {
  return { live: async (sink: string) => runs.filter((run) => run.sink === sink) }
}

/** One a day, the oldest first, the last on the morning of NOW; returns their ids. */
export async function storeDaily(sink: Sink, days: number, backup: BackupToStore = {}): Promise<string[]> {
  const ids: string[] = []
  for (let day = days - 1; day >= 0; day--) {
    const started = new Date(Date.parse(NOW) - day * DAY_MS - DAY_MS / 4).toISOString()
    ids.push((await storeBackup(sink, { ...backup, clock: clockAt(started) })).id)
  }
  return ids
}

export function reasonsOf({ backups }: PruneReport): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(backups.map(({ id, reasons }) => [id, reasons]))
}
