import { layout } from '../core/backup-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Contents } from '../core/contents.ts'
import type { Manifest } from '../core/manifest.ts'
import type { SignatureTrust, SignedBy } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import { readIndex, readTrusted, resolveBackupId } from './catalog.ts'
import { checkPlain, objectsOf, plainOf } from './part-source.ts'
import { readContents } from './restore.ts'
import type { OnEvent } from './run-event.ts'
import { checkPresence, decodeAll, readVerified, readWhole } from './stored-object.ts'

export interface VerifyRequest {
  readonly sink: Sink
  readonly job: string
  readonly id: string | undefined
  /** Given for `--deep`: decrypt and decompress too, and compare with the digests of the plain bytes. */
  readonly decoders?: (manifest: Manifest) => Promise<readonly Stage[]>
  /** One of these must have signed the backup. */
  readonly trust?: SignatureTrust
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export interface VerifyReport {
  readonly manifest: Manifest
  /** Where signers are trusted. */
  readonly signedBy?: SignedBy
  readonly deep: boolean
  readonly storedBytes: number
  readonly plainBytes: number
  readonly durationMs: number
}

/** Reads all that is stored and compares every chunk with its digest. Throws `integrity` at the first difference. */
export async function runVerify(request: VerifyRequest, signal: AbortSignal): Promise<VerifyReport> {
  const { sink, clock, onEvent } = request
  const begunMs = clock.monotonicMs()
  const id = await resolveBackupId(sink, request.job, request.id, signal)
  const { manifest, signedBy } = await readTrusted(request, id, signal)
  onEvent({ kind: 'step', message: `verifying backup ${id} of ${manifest.ended}` })
  const index = await readIndex(sink, manifest, signal)
  await checkPresence(
    sink,
    manifest.parts.flatMap((part) => objectsOf(manifest, index, part)),
    signal,
  )
  const decoders = await request.decoders?.(manifest)
  const contents = await checkContents(request, manifest, decoders, signal)
  const totals = { plainBytes: 0, storedBytes: 0 }
  for (const part of manifest.parts) {
    onEvent({
      kind: 'part-started',
      number: part.number,
      parts: manifest.parts.length,
      name: `part ${part.number}`,
      estimateBytes: decoders === undefined ? part.storedBytes : part.plainBytes,
    })
    async function* stored(): AsyncGenerator<Uint8Array> {
      for await (const piece of readVerified(sink, objectsOf(manifest, index, part), signal)) {
        totals.storedBytes += piece.length
        onEvent({ kind: 'progress', ...totals })
        yield piece
      }
    }
    const bytes =
      decoders === undefined || contents === undefined
        ? stored()
        : checkPlain(
            decodeAll(stored(), decoders, signal),
            plainOf(part, contents),
            `part ${part.number} of backup '${id}'`,
            (count) => {
              totals.plainBytes += count
            },
          )
    for await (const _piece of bytes) {
      // Reading is the check.
    }
    onEvent({ kind: 'part-ended', number: part.number, plainBytes: part.plainBytes })
  }
  return {
    manifest,
    ...(signedBy && { signedBy }),
    deep: decoders !== undefined,
    ...totals,
    durationMs: clock.monotonicMs() - begunMs,
  }
}

/** The contents must decode where there is a key; else their digest must do. */
async function checkContents(
  { sink }: VerifyRequest,
  manifest: Manifest,
  decoders: readonly Stage[] | undefined,
  signal: AbortSignal,
): Promise<Contents | undefined> {
  if (decoders !== undefined) return readContents(sink, manifest, decoders, signal)
  await readWhole(
    sink,
    layout.object(manifest.job, manifest.id, manifest.contents.name),
    manifest.contents,
    signal,
  )
  return undefined
}
