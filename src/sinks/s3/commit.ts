import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { abortReason, LifeboatError } from '../../core/errors.ts'
import type { ObjectInfo } from '../../core/sink.ts'
import { failureAttempts, failureStatus } from './explain.ts'
import { mismatch } from './part.ts'
import type { Place } from './place.ts'
import { type StoredObject, statObject } from './stat.ts'

/** One write: its key, its mark on the object, and how it must come out. */
export interface WriteJob {
  readonly key: string
  readonly id: string
  readonly ifAbsent: boolean
  readonly signal: AbortSignal
  /** Bounds all that is removed after a failure; its time runs from the first call. */
  cleanupSignal(): AbortSignal
}

interface Commit {
  /** Resolves with what the place confirmed. */
  readonly attempt: () => Promise<Sent>
  /** Holds if the answer was lost but the object is there. */
  readonly sent: Sent
  /** Before the object is looked for and removed: makes sure that it can't appear later. */
  readonly giveUp?: () => Promise<void>
}

/** What was sent and confirmed, to be compared with what the place then says that it has. */
export interface Sent {
  readonly bytes: number
  /** 0 for a single PutObject. */
  readonly parts: number
  readonly checksum: string | undefined
}

/**
 * The request that makes an object appear, and everything that may go wrong with its answer. An answer that was lost
 * is settled by looking; what then is there but not right, or no longer wanted, is removed.
 */
export async function commit(
  place: Place,
  job: WriteJob,
  { attempt, sent, giveUp }: Commit,
): Promise<ObjectInfo> {
  let answered = false
  try {
    let confirmed = sent
    try {
      confirmed = await attempt()
      answered = true
    } catch (thrown) {
      if (!(await isStoredAfterAll(place, job, thrown))) throw thrown
    }
    return await checkStored(place, job, confirmed)
  } catch (thrown) {
    await giveUp?.()
    await removeOurs(place, job, answered)
    if (job.signal.aborted) throw abortReason(job.signal)
    throw failureStatus(thrown) === 412 || failureStatus(thrown) === 409
      ? await whoWasFirst(place, job, thrown)
      : thrown
  }
}

/** 409 is S3's answer to two conditional writes at the same moment: only a look tells whether the other one won. */
async function whoWasFirst(place: Place, job: WriteJob, thrown: unknown): Promise<unknown> {
  if (failureStatus(thrown) === 412) return exists(job, thrown)
  return (await statObject(place, job.key, job.signal)) === undefined ? thrown : exists(job, thrown)
}

async function isStoredAfterAll(place: Place, job: WriteJob, thrown: unknown): Promise<boolean> {
  const status = failureStatus(thrown)
  // A clear refusal of the first try needs no look; a retried one may answer to the try before, which was heard.
  const clear = status !== undefined && status >= 400 && status < 500 && status !== 408
  if (job.signal.aborted || (clear && failureAttempts(thrown) <= 1)) return false
  try {
    return (await statObject(place, job.key, job.signal))?.writeId === job.id
  } catch {
    // The place doesn't answer at all: the failure that led here says so already.
    return false
  }
}

/** Compares what the place says that it has with what was sent. */
async function checkStored(place: Place, job: WriteJob, sent: Sent): Promise<ObjectInfo> {
  const stored = await statObject(place, job.key, job.signal)
  if (stored === undefined) throw mismatch(place, `nothing under '${job.key}' though it had said so`)
  if (stored.writeId !== undefined && stored.writeId !== job.id) {
    throw mismatch(place, `another writer's object under '${job.key}' at the same time`)
  }
  const { info } = stored
  if (info.bytes !== sent.bytes)
    throw mismatch(place, `${info.bytes} of ${sent.bytes} bytes under '${job.key}'`)
  const parts = /-(\d+)"?$/.exec(info.attestation?.ETag ?? '')?.[1]
  if (sent.parts > 0 && parts !== undefined && Number(parts) !== sent.parts) {
    throw mismatch(place, `${parts} of ${sent.parts} parts under '${job.key}'`)
  }
  const { checksum } = place.learned
  const says = checksum === undefined ? undefined : info.attestation?.[checksum.name]
  // A composite where the full object's was asked for: each part was confirmed, the whole can't be compared.
  const comparable = says?.includes('-') === sent.checksum?.includes('-')
  if (checksum !== undefined && says !== undefined && comparable && says !== sent.checksum) {
    throw mismatch(place, `${checksum.name} ${says} instead of ${sent.checksum} under '${job.key}'`)
  }
  return info
}

/** After a failure at or past the commit. Bounded; never another writer's object, never when nobody can tell. */
async function removeOurs(place: Place, job: WriteJob, answered: boolean): Promise<void> {
  const signal = job.cleanupSignal()
  try {
    const stored: StoredObject | undefined = await statObject(place, job.key, signal)
    // Some S3-compatibles keep no metadata; then the place's own word that it stored our object must do.
    const ours = stored?.writeId === job.id || (answered && stored?.writeId === undefined)
    if (stored === undefined || !ours) return
    await place.call({ verb: 'remove', noun: 'object', name: job.key }, signal, (client, options) =>
      client.send(
        new DeleteObjectCommand({
          ...place.at(job.key),
          ...(stored.versionId === undefined ? {} : { VersionId: stored.versionId }),
        }),
        options,
      ),
    )
  } catch {
    // The place refuses or is silent: the failure that led here is the one to report, and without a manifest the
    // object is not part of any backup.
  }
}

export async function refuseExisting(place: Place, job: WriteJob): Promise<void> {
  if ((await statObject(place, job.key, job.signal)) !== undefined) throw exists(job)
}

function exists({ key }: WriteJob, cause?: unknown): LifeboatError {
  return new LifeboatError('sink-exists', `unable to write object '${key}': it exists already`, {
    hint: 'Another run was first: list what there is before you run again.',
    cause,
  })
}
