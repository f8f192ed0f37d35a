import { version } from '../config/version.ts'
import { backupIdFromKey, layout } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { type Kept, keptSchema } from '../core/kept.ts'
import type { Sink } from '../core/sink.ts'
import { parseStored } from './catalog.ts'

/** Far more than any mark has. */
const MARK_BYTES = 64 * 1024

export interface KeepRequest {
  readonly sink: Sink
  readonly job: string
  readonly id: string
  readonly reason: string | undefined
  readonly clock: Clock
}

/** Marks a backup, a damaged one too, so that nothing removes it. Marking again replaces the reason. */
export async function markKept(request: KeepRequest, signal: AbortSignal): Promise<Kept> {
  const { sink, job, id, reason, clock } = request
  await expectBackup(sink, job, id, signal)
  const mark: Kept = {
    format: 1,
    id,
    job,
    ...(reason !== undefined && { reason }),
    at: clock.now().toISOString(),
    lifeboat: version,
  }
  await sink.write(layout.keep(job, id), once(Buffer.from(`${JSON.stringify(mark)}\n`)), { signal })
  return mark
}

/** False where there was no mark. */
export async function unmarkKept(
  { sink, job, id }: Pick<KeepRequest, 'sink' | 'job' | 'id'>,
  signal: AbortSignal,
): Promise<boolean> {
  await expectBackup(sink, job, id, signal)
  const key = layout.keep(job, id)
  if ((await sink.stat(key, signal)) === undefined) return false
  await sink.delete([key], signal)
  return true
}

/** Why backups of a job are marked, by id. A mark that can't be read is one all the same. */
export async function readKeepMarks(
  sink: Sink,
  job: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const marks = new Map<string, string>()
  for await (const { key, bytes } of sink.list(layout.keepOf(job), signal)) {
    const id = backupIdFromKey(key)
    if (id === undefined || key !== layout.keep(job, id)) continue
    marks.set(id, await reasonOf(sink, key, bytes, signal))
  }
  return marks
}

async function reasonOf(sink: Sink, key: string, bytes: number, signal: AbortSignal): Promise<string> {
  if (bytes > MARK_BYTES) return `marked keep by a mark of ${bytes} bytes`
  try {
    const stored = await sink.read(key, { offset: 0, bytes }, signal)
    const { reason } = parseStored(sink, key, stored, keptSchema)
    return reason === undefined ? 'marked keep' : `marked keep: ${reason}`
  } catch (thrown) {
    const bearable = /^(integrity|unsupported|sink-not-found)$/
    if (!(thrown instanceof LifeboatError) || !bearable.test(thrown.code)) throw thrown
    return `marked keep (${messageOf(thrown)})`
  }
}

async function expectBackup(sink: Sink, job: string, id: string, signal: AbortSignal): Promise<void> {
  if ((await sink.stat(layout.manifest(job, id), signal)) !== undefined) return
  throw new LifeboatError(
    'sink-not-found',
    `unable to find backup '${id}' of job '${job}' at ${sink.name}: it has no manifest there`,
    { hint: 'lifeboat list shows the backups that are there; name their job with --job.' },
  )
}
