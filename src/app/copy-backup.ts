import { layout } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'
import type { Sink } from '../core/sink.ts'
import { readIndex, readManifest } from './catalog.ts'
import { type BegunRun, discardRun, type RunJournal, sweepDeadRuns } from './dead-runs.ts'
import type { Lease } from './lease.ts'
import { objectsOf } from './part-source.ts'
import type { OnEvent } from './run-event.ts'
import { checkPresence, readVerified, readWhole, type StoredObject } from './stored-object.ts'

export interface CopyRequest {
  readonly from: Sink
  readonly to: Sink
  readonly job: string
  readonly id: string
  readonly journal: RunJournal
  /** At the place that it goes to: a sweep there must see that the run lives. */
  readonly lease?: Lease
  readonly onEvent: OnEvent
}

export interface CopyReport {
  readonly manifest: Manifest
  /** 0 where the copy was there already. */
  readonly copiedBytes: number
}

const CLEANUP_MS = 30_000

/**
 * Copies a backup to another sink, byte for byte, each chunk checked on the way. The manifest comes last there too, and
 * is the same: what vouches for the backup vouches for the copy.
 */
export async function copyBackup(request: CopyRequest, signal: AbortSignal): Promise<CopyReport> {
  const { from, to, job, id, journal, onEvent } = request
  const manifest = await readManifest(from, job, id, signal)
  const key = layout.manifest(job, id)
  if ((await to.stat(key, signal)) !== undefined) {
    await expectSame(from, to, key, signal)
    onEvent({ kind: 'step', message: `backup ${id} is at ${to.name} already` })
    return { manifest, copiedBytes: 0 }
  }
  const index = await readIndex(from, manifest, signal)
  const objects = manifest.parts.flatMap((part) => objectsOf(manifest, index, part))
  checkSizes(objects, to)
  await takeLease(request, signal)
  const run: BegunRun = { sink: to.name, job, id }
  // What a copy that was cut off left there would else be in its own way.
  await sweepDeadRuns(to, journal, signal)
  await journal.opened(run)
  onEvent({ kind: 'step', message: `copying backup ${id} to ${to.name}` })
  try {
    const totals = { plainBytes: 0, storedBytes: 0 }
    async function* counted(object: StoredObject): AsyncGenerator<Uint8Array> {
      for await (const piece of readVerified(from, [object], signal)) {
        totals.storedBytes += piece.length
        onEvent({ kind: 'progress', ...totals })
        yield piece
      }
    }
    for (const object of objects) await to.write(object.key, counted(object), { signal })
    for (const small of [manifest.contents, manifest.index]) {
      const stored = layout.object(job, id, small.name)
      await to.write(stored, once(await readWhole(from, stored, small, signal)), { signal })
    }
    await checkPresence(to, objects, signal)
    if (manifest.signer !== undefined) {
      const signature = layout.signature(job, id)
      await to.write(signature, once(await readAll(from, signature, signal)), { signal })
    }
    throwIfAborted(signal)
    await to.write(key, once(await readAll(from, key, signal)), {
      ifAbsent: to.traits.exclusiveCreate,
      signal,
    })
    await journal.closed(run)
    return { manifest, copiedBytes: totals.storedBytes }
  } catch (thrown) {
    await giveUp(request, run)
    throw thrown
  }
}

/** The dump is made: another run's lease there is told, and no reason to leave this place without a copy. */
async function takeLease({ lease, id, onEvent }: CopyRequest, signal: AbortSignal): Promise<void> {
  try {
    await lease?.take(id, signal)
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError) || thrown.code !== 'locked') throw thrown
    onEvent({ kind: 'warning', message: `copied all the same: ${thrown.message}` })
  }
}

/** A volume that fits one sink may be too long for another: S3 ends an object at 10,000 chunks. */
function checkSizes(objects: readonly StoredObject[], to: Sink): void {
  const long = objects.find(({ chunks }) => chunks.length > to.traits.maxChunks)
  if (long === undefined) return
  throw new LifeboatError(
    'unsupported',
    `unable to copy object '${long.name}' to ${to.name}: it has ${long.chunks.length} chunks, and at most ${to.traits.maxChunks} fit there`,
    {
      hint: 'Dump it anew with a job that names both sinks: the volumes are then cut to fit each of them.',
    },
  )
}

async function expectSame(from: Sink, to: Sink, key: string, signal: AbortSignal): Promise<void> {
  const [ours, theirs] = await Promise.all([readAll(from, key, signal), readAll(to, key, signal)])
  if (Buffer.compare(ours, theirs) === 0) return
  throw new LifeboatError('sink-exists', `unable to copy to ${to.name}: '${key}' is there and differs`, {
    hint: 'Two places hold backups of the same id that are not the same: verify both, and keep the one that is whole.',
  })
}

async function readAll(sink: Sink, key: string, signal: AbortSignal): Promise<Uint8Array> {
  const info = await sink.stat(key, signal)
  if (info !== undefined) return sink.read(key, { offset: 0, bytes: info.bytes }, signal)
  throw new LifeboatError('integrity', `unable to read object '${key}' at ${sink.name}: it is gone`, {
    hint: 'Somebody removed it meanwhile: run again.',
  })
}

/** The caller's error is the news; what can't be removed stays in the journal for a later run. */
async function giveUp({ to, journal, onEvent }: CopyRequest, run: BegunRun): Promise<void> {
  try {
    const bounded = AbortSignal.timeout(CLEANUP_MS)
    // An answer lost on the last write: the copy may be whole.
    if ((await to.stat(layout.manifest(run.job, run.id), bounded)) !== undefined) return
    await discardRun(to, run, bounded)
    await journal.closed(run)
  } catch (thrown) {
    onEvent({
      kind: 'warning',
      message: `unable to clear away the unfinished copy '${run.id}' at ${run.sink}: ${messageOf(thrown)}`,
      hint: 'It is not listed and can not be restored; the next run from this machine removes it.',
    })
  }
}
