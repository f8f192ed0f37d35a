import type { SignatureTrust } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import { listEvidence, readEvidence } from './evidence-store.ts'

export interface LastDrill {
  /** When it began: how long ago the backups were last seen to be good. */
  readonly at: Date
  /** `passed`, or what it was instead. */
  readonly outcome: string
}

/**
 * The newest drill of a job that passed; where none did, the newest of all; undefined where there was none. With trust, what
 * no trusted signer vouches for is none.
 */
export async function lastDrill(
  sink: Sink,
  job: string,
  signal: AbortSignal,
  trust?: SignatureTrust,
): Promise<LastDrill | undefined> {
  let newest: LastDrill | undefined
  for (const name of await listEvidence(sink, job, signal)) {
    const { evidence } = await readEvidence(sink, name, trust, signal)
    if (evidence === undefined) continue
    const drill = { at: new Date(evidence.started), outcome: evidence.outcome }
    if (drill.outcome === 'passed') return drill
    newest ??= drill
  }
  return newest
}
