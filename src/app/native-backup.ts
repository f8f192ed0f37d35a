import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { NativeBackup } from '../runbooks/ports/native-restore.ts'
import { readTrusted } from './catalog.ts'
import type { OnEvent } from './run-event.ts'

/** What a runbook has to know of a backup, from its manifest. */
export async function readNativeBackup(
  at: {
    readonly sink: Sink
    readonly job: string
    readonly trust?: SignatureTrust
    readonly onEvent: OnEvent
  },
  id: string,
  signal: AbortSignal,
): Promise<NativeBackup> {
  const { manifest } = await readTrusted(at, id, signal)
  const plainBytes = manifest.parts.reduce((sum, part) => sum + part.plainBytes, 0)
  const { engine, ended } = manifest
  return { id, job: at.job, sink: at.sink.name, engine, ended: new Date(ended), plainBytes }
}
