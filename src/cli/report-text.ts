import type { DrillRecords } from '../app/drill/drill-report.ts'
import { showTime } from '../app/drill/refusals.ts'
import type { Evidence } from '../core/evidence.ts'
import { errorObject } from './print-error.ts'
import { table } from './table.ts'

export function reportText({ drills }: DrillRecords, sink: string, now: Date): string {
  if (drills.length === 0) return `no drill has left a record at ${sink} that counts\n`
  return table(
    [
      { title: 'JOB', limit: 30 },
      { title: 'DRILL' },
      { title: 'AGE', align: 'right' },
      { title: 'OUTCOME' },
      { title: 'BACKUP' },
      { title: 'RTO', align: 'right' },
      { title: 'PROMISED', align: 'right' },
      { title: 'RPO', align: 'right' },
      { title: 'PROMISED', align: 'right' },
      { title: 'CHECKS', align: 'right' },
      { title: 'SIGNED' },
    ],
    drills.map(({ evidence, signedBy }) => [
      evidence.job,
      evidence.id,
      showTime(ageOf(evidence, now)),
      evidence.outcome,
      evidence.backup.id,
      time(evidence.rto.measuredMs),
      time(evidence.rto.promisedMs),
      time(evidence.rpo.measuredMs),
      time(evidence.rpo.promisedMs),
      checks(evidence),
      signedBy === undefined ? (evidence.signer === undefined ? 'no' : 'not checked') : 'yes',
    ]),
  )
}

export function reportJson({ drills, unusable }: DrillRecords, now: Date): object {
  return {
    drills: drills.map(({ evidence, signedBy }) => {
      const { format: _format, ...facts } = evidence
      return { ...facts, ageMs: ageOf(evidence, now), signedBy: signedBy?.fingerprint ?? null }
    }),
    unusable: unusable.map(({ record, error }) => ({ record, error: errorObject(error) })),
  }
}

function ageOf({ ended }: Evidence, now: Date): number {
  return Math.max(0, now.getTime() - Date.parse(ended))
}

function time(ms: number | null): string {
  return ms === null ? '-' : showTime(ms)
}

function checks({ checks: all }: Evidence): string {
  return all.length === 0 ? '-' : `${all.filter(({ outcome }) => outcome === 'passed').length}/${all.length}`
}
