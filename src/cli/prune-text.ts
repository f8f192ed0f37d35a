import type { PrunedBackup, PruneReport } from '../app/prune.ts'
import { showBytes, showCount } from './amounts.ts'
import { errorObject } from './print-error.ts'
import { printable } from './printable.ts'
import { table } from './table.ts'

const SHOWN: Readonly<Record<PrunedBackup['outcome'], string>> = {
  kept: 'keep',
  'would-remove': 'REMOVE',
  removed: 'removed',
  failed: 'FAILED',
  left: 'left',
}

/** One line for each backup, with the reason; then what no backup owns. */
export function pruneText({ backups, leftovers, unfinished }: PruneReport): string {
  const rows = backups.map(({ id, storedBytes, outcome, reasons }) => [
    SHOWN[outcome],
    id,
    showBytes(storedBytes),
    printable(reasons.join('; ')).replaceAll('\n', ' '),
  ])
  const lines = [
    ...leftovers.map(
      ({ id, keys, bytes }) => `no backup: ${id}, ${keys.length} objects, ${showBytes(bytes)}`,
    ),
    ...unfinished.map((name) => `unfinished: ${printable(name)}`),
  ]
  const shown =
    rows.length === 0
      ? ''
      : table([{ title: '' }, { title: 'ID' }, { title: 'STORED', align: 'right' }, { title: 'WHY' }], rows)
  return [shown, ...lines.map((line) => `${line}\n`)].join('')
}

export function pruneSummary(report: PruneReport): string {
  const { job, sink, confirmed, backups, leftovers, unfinished } = report
  const going = backups.filter(({ outcome }) => outcome === (confirmed ? 'removed' : 'would-remove'))
  const bytes = [...going.map(({ storedBytes }) => storedBytes), ...leftovers.map((each) => each.bytes)]
  const amount = showBytes(bytes.reduce((sum, each) => sum + each, 0))
  const extra = leftovers.length + unfinished.length
  const what = `${going.length} of ${showCount(backups.length, 'backup')}${extra === 0 ? '' : ` and ${showCount(extra, 'leftover')}`}`
  const where = `of job '${job}' at ${sink}`
  if (!confirmed) {
    return going.length + extra === 0
      ? `nothing to remove: all of ${showCount(backups.length, 'backup')} ${where} stay`
      : `${what} ${where} would go (${amount}); nothing was removed: add --confirm`
  }
  const failed = backups.filter(({ outcome }) => outcome === 'failed' || outcome === 'left')
  const rest = failed.length === 0 ? '' : `; still to go: ${failed.map(({ id }) => id).join(', ')}`
  return `removed ${what} ${where} (${amount})${rest}`
}

export function pruneJson({ job, sink, backups, leftovers, unfinished, error }: PruneReport): object {
  return {
    job,
    sink,
    ok: error === undefined,
    backups: backups.map((backup) => ({
      id: backup.id,
      started: backup.started?.toISOString() ?? null,
      storedBytes: backup.storedBytes,
      outcome: backup.outcome,
      reasons: backup.reasons,
      ...(backup.error !== undefined && { error: errorObject(backup.error) }),
    })),
    leftovers: leftovers.map(({ id, keys, bytes }) => ({ id, objects: keys.length, bytes })),
    unfinished,
    ...(error !== undefined && { error: errorObject(error) }),
  }
}
