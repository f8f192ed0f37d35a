import type { AuditHead } from '../../core/audit-record.ts'
import type { SignatureTrust } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import { listEvidence, readEvidence } from '../drill/evidence-store.ts'

export interface DrillHead extends AuditHead {
  readonly name: string
  /** Whose log it is of: drills are often run on another machine than dumps. */
  readonly host: string
}

export interface DrillHeads {
  readonly heads: readonly DrillHead[]
  /** Damaged, or signed by nobody who is trusted. */
  readonly unusable: readonly string[]
}

/**
 * What records of drills vouch for. They stay for ever, logs don't: those from before `since`, an id, are left alone, as a
 * log is kept for as long as backups of its time are.
 */
export async function readDrillHeads(
  sink: Sink,
  { job, since, trust }: { readonly job?: string; readonly since: string; readonly trust?: SignatureTrust },
  signal: AbortSignal,
): Promise<DrillHeads> {
  const heads: DrillHead[] = []
  const unusable: string[] = []
  for (const each of await listEvidence(sink, job, signal)) {
    if (timeOf(each.id) < timeOf(since)) continue
    const name = `${each.job}/${each.id}`
    const { evidence } = await readEvidence(sink, each, trust, signal)
    if (evidence === undefined) unusable.push(name)
    else if (evidence.audit !== undefined) heads.push({ name, host: evidence.host, ...evidence.audit })
  }
  return { heads, unusable }
}

/** To the second; what follows in an id is chance. */
function timeOf(id: string): string {
  return id.slice(0, id.indexOf('-'))
}
