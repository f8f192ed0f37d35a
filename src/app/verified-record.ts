import { version } from '../config/version.ts'
import { backupIdFromKey, layout } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'
import { createSlots } from '../core/slots.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { compareLevels, type Verified, type VerifiedLevel, verifiedSchema } from '../core/verified.ts'
import { parseStored } from './catalog.ts'
import type { OnEvent } from './run-event.ts'

/** Far more than any record has. */
const RECORD_BYTES = 64 * 1024
const RECORD_MS = 30_000
const READS_AT_ONCE = 8

export interface RecordRequest {
  readonly sink: Sink
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export interface BackupName {
  readonly job: string
  readonly id: string
}

/**
 * Notes beside the backups of a job what was proven of one, so that others know which are good. It never fails: a place
 * that can only be read is told as a warning. A lower level never replaces a higher one. Resolves with whether this account
 * may write there at all.
 */
export async function recordVerified(
  { sink, clock, onEvent }: RecordRequest,
  { job, id }: BackupName,
  level: VerifiedLevel,
  signal: AbortSignal,
): Promise<boolean> {
  const bounded = withTimeLimit(signal, RECORD_MS)
  const key = layout.verified(job, id)
  try {
    const before = await readOne({ sink, onEvent }, { job, id }, bounded)
    if (before !== undefined && compareLevels(before.level, level) > 0) return true
    const record: Verified = { format: 1, id, job, level, at: clock.now().toISOString(), lifeboat: version }
    await sink.write(key, once(Buffer.from(`${JSON.stringify(record)}\n`)), { signal: bounded })
    return true
  } catch (thrown) {
    // Whoever gives up now has the proof all the same.
    if (signal.aborted) return true
    onEvent({
      kind: 'warning',
      message: `unable to note at ${sink.name} that backup ${id} is verified: ${messageOf(thrown)}`,
      hint: 'The backup itself is as good as was said. With the right to write to that place, list shows when it was last verified.',
    })
    return !(thrown instanceof LifeboatError && thrown.code === 'sink-denied')
  }
}

/** Takes the note away from a backup that turned out to be damaged: nobody must keep it for its sake. Never fails. */
export async function forgetVerified(
  { sink, onEvent }: RecordRequest,
  { job, id }: BackupName,
  signal: AbortSignal,
): Promise<void> {
  const bounded = withTimeLimit(signal, RECORD_MS)
  const key = layout.verified(job, id)
  try {
    if ((await sink.stat(key, bounded)) !== undefined) await sink.delete([key], bounded)
  } catch (thrown) {
    if (signal.aborted) return
    onEvent({
      kind: 'warning',
      message: `unable to remove '${key}' at ${sink.name}, which says that backup ${id} was once good: ${messageOf(thrown)}`,
      hint: 'Remove it by hand, so that no one relies on it.',
    })
  }
}

/** What was proven of the backups at a sink, by `job/id`. A note that can't be used is told, and is none. */
export async function readVerifiedRecords(
  { sink, onEvent }: Pick<RecordRequest, 'sink' | 'onEvent'>,
  backups: readonly BackupName[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Verified>> {
  const names = await listRecords(sink, backups, signal)
  const slots = createSlots(READS_AT_ONCE)
  const read = (name: BackupName) => slots.run(() => readOne({ sink, onEvent }, name, signal), signal)
  const records = (await Promise.all(names.map(read))).filter((record) => record !== undefined)
  return new Map(records.map((record) => [`${record.job}/${record.id}`, record]))
}

/**
 * The same for whoever only shows it: a list of backups, in an emergency, must not fail for notes that can't be read.
 * Never for a decision: that nothing is known is not that nothing was verified.
 */
export async function showVerifiedRecords(
  request: Pick<RecordRequest, 'sink' | 'onEvent'>,
  backups: readonly BackupName[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Verified>> {
  try {
    return await readVerifiedRecords(request, backups, signal)
  } catch (thrown) {
    throwIfAborted(signal)
    if (!(thrown instanceof LifeboatError)) throw thrown
    const message = `unable to read at ${request.sink.name} what was verified: ${messageOf(thrown)}`
    request.onEvent({ kind: 'warning', message, hint: 'the backups themselves are listed all the same' })
    return new Map()
  }
}

async function listRecords(
  sink: Sink,
  backups: readonly BackupName[],
  signal: AbortSignal,
): Promise<BackupName[]> {
  const names: BackupName[] = []
  for (const job of new Set(backups.map((backup) => backup.job))) {
    const wanted = new Set(backups.flatMap((backup) => (backup.job === job ? [backup.id] : [])))
    for await (const { key } of sink.list(layout.verifiedOf(job), signal)) {
      const id = backupIdFromKey(key)
      if (id !== undefined && wanted.has(id) && key === layout.verified(job, id)) names.push({ job, id })
    }
  }
  return names
}

/** Undefined where there is none, or none that can be used: a damaged note is told, and must not hide a good backup. */
async function readOne(
  { sink, onEvent }: Pick<RecordRequest, 'sink' | 'onEvent'>,
  { job, id }: BackupName,
  signal: AbortSignal,
): Promise<Verified | undefined> {
  const key = layout.verified(job, id)
  const info = await sink.stat(key, signal)
  if (info === undefined) return undefined
  const refuse = (reason: string) => {
    onEvent({ kind: 'warning', message: `unable to use note '${key}' at ${sink.name}: ${reason}` })
    return undefined
  }
  if (info.bytes > RECORD_BYTES) return refuse(`it has ${info.bytes} bytes`)
  const bytes = await sink.read(key, { offset: 0, bytes: info.bytes }, signal)
  try {
    const record = parseStored(sink, key, bytes, verifiedSchema)
    if (record.id === id && record.job === job) return record
    return refuse('it is that of another backup')
  } catch (thrown) {
    if (thrown instanceof LifeboatError) return refuse(thrown.message)
    throw thrown
  }
}
