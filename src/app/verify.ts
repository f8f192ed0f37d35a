import { layout } from '../core/backup-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { Contents } from '../core/contents.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Index, Manifest } from '../core/manifest.ts'
import type { SignatureTrust, SignedBy } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import type { VerifiedLevel } from '../core/verified.ts'
import { checkAttested, type Proofs } from './attestation.ts'
import { readIndex, readTrusted, resolveBackupId } from './catalog.ts'
import { checkPlain, objectsOf, plainOf } from './part-source.ts'
import { readContents } from './restore.ts'
import type { OnEvent } from './run-event.ts'
import { checkPresence, decodeAll, readVerified, readWhole } from './stored-object.ts'
import { forgetVerified, recordVerified } from './verified-record.ts'

export interface VerifyRequest {
  readonly sink: Sink
  readonly job: string
  readonly id: string | undefined
  /** Read every stored byte; else only what the sink itself says of each volume is compared, and no data is read. */
  readonly deep: boolean
  /**
   * For `deep`: decrypt and decompress too, and compare with the digests of the plain bytes. Undefined for a backup that
   * can't be opened here: then its stored bytes are all that is compared.
   */
  readonly decoders?: (manifest: Manifest) => Promise<readonly Stage[] | undefined>
  /** False: what was proven is not noted at the sink, for it refuses that. */
  readonly note?: boolean
  /** One of these must have signed the backup. */
  readonly trust?: SignatureTrust
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export interface VerifyReport {
  readonly manifest: Manifest
  /** Where signers are trusted. */
  readonly signedBy?: SignedBy
  readonly level: Exclude<VerifiedLevel, 'restored'>
  /** Of `attested`: how many volumes were compared by what. */
  readonly proofs?: Proofs
  /** Bytes of data that were read: 0 unless `deep`. */
  readonly storedBytes: number
  readonly plainBytes: number
  /** False where this account may not write there. */
  readonly noted: boolean
  readonly durationMs: number
}

/**
 * Proves that a backup is whole, and notes at the sink how far. Throws `integrity` at the first difference; what was noted
 * of such a backup before is taken back.
 */
export async function runVerify(request: VerifyRequest, signal: AbortSignal): Promise<VerifyReport> {
  const { sink, job } = request
  const id = await resolveBackupId(sink, job, request.id, signal)
  let report: Omit<VerifyReport, 'noted'>
  try {
    report = await verify(request, id, signal)
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError) || thrown.code !== 'integrity' || signal.aborted) throw thrown
    if (await wasRemoved(sink, job, id, signal)) {
      throw new LifeboatError(
        'sink-not-found',
        `unable to verify backup '${id}' of job '${job}' at ${sink.name}: it was removed meanwhile`,
        { hint: 'lifeboat list shows the backups that are there now.', cause: thrown },
      )
    }
    await forgetVerified(request, { job, id }, signal)
    throw thrown
  }
  const noted = request.note !== false && (await recordVerified(request, { job, id }, report.level, signal))
  return { ...report, noted }
}

/** Whoever removes a backup begins with its manifest: what is missing then is no damage. */
async function wasRemoved(sink: Sink, job: string, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await sink.stat(layout.manifest(job, id), signal)) === undefined
  } catch {
    // The difference that was found is the news; it can't be excused by a place that says no more.
    return false
  }
}

async function verify(
  request: VerifyRequest,
  id: string,
  signal: AbortSignal,
): Promise<Omit<VerifyReport, 'noted'>> {
  const { sink, clock, onEvent } = request
  const begunMs = clock.monotonicMs()
  const { manifest, signedBy } = await readTrusted(request, id, signal)
  onEvent({ kind: 'step', message: `verifying backup ${id} of ${manifest.ended}` })
  const index = await readIndex(sink, manifest, signal)
  const found = request.deep
    ? await readParts(request, manifest, index, signal)
    : await compareParts(request, manifest, index, signal)
  return {
    manifest,
    ...(signedBy && { signedBy }),
    ...found,
    durationMs: clock.monotonicMs() - begunMs,
  }
}

type Found = Pick<VerifyReport, 'level' | 'proofs' | 'storedBytes' | 'plainBytes'>

async function compareParts(
  request: VerifyRequest,
  manifest: Manifest,
  index: Index,
  signal: AbortSignal,
): Promise<Found> {
  const volumes = manifest.parts.flatMap((part) => {
    const stored = objectsOf(manifest, index, part)
    return part.volumes.map((volume, position) => ({
      volume,
      stored: stored[position] as (typeof stored)[0],
    }))
  })
  const proofs = await checkAttested(request.sink, manifest, volumes, signal)
  await checkContents(request, manifest, undefined, signal)
  return { level: 'attested', proofs, storedBytes: 0, plainBytes: 0 }
}

async function readParts(
  request: VerifyRequest,
  manifest: Manifest,
  index: Index,
  signal: AbortSignal,
): Promise<Found> {
  const { sink, onEvent } = request
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
            `part ${part.number} of backup '${manifest.id}'`,
            (count) => {
              totals.plainBytes += count
            },
          )
    for await (const _piece of bytes) {
      // Reading is the check.
    }
    onEvent({ kind: 'part-ended', number: part.number, plainBytes: part.plainBytes })
  }
  return { level: decoders === undefined ? 'stored' : 'plain', ...totals }
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
