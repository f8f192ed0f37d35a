import { layout } from '../../core/backup-layout.ts'
import type { LifeboatError } from '../../core/errors.ts'
import type { Evidence } from '../../core/evidence.ts'
import type { SignatureTrust, SignedBy } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import { listEvidence, readEvidence } from './evidence-store.ts'

export interface DrillRecords {
  /** The newest of each job, newest first. */
  readonly drills: readonly { readonly evidence: Evidence; readonly signedBy: SignedBy | undefined }[]
  /** Damaged, or vouched for by nobody who is trusted. */
  readonly unusable: readonly { readonly record: string; readonly error: LifeboatError }[]
}

export interface DrillReportRequest {
  readonly sink: Sink
  /** Undefined: every job. */
  readonly job: string | undefined
  /** Of each job. */
  readonly most: number
  readonly trust?: SignatureTrust
}

export async function readDrillReport(
  { sink, job, most, trust }: DrillReportRequest,
  signal: AbortSignal,
): Promise<DrillRecords> {
  const drills: { evidence: Evidence; signedBy: SignedBy | undefined }[] = []
  const unusable: { record: string; error: LifeboatError }[] = []
  const taken = new Map<string, number>()
  for (const name of await listEvidence(sink, job, signal)) {
    const before = taken.get(name.job) ?? 0
    if (before >= most) continue
    const { evidence, signedBy, problem } = await readEvidence(sink, name, trust, signal)
    if (problem !== undefined) unusable.push({ record: layout.evidence(name.job, name.id), error: problem })
    if (evidence === undefined) continue
    taken.set(name.job, before + 1)
    drills.push({ evidence, signedBy })
  }
  return { drills, unusable }
}
