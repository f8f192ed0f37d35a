import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { newBackupId } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import type { ObjectInfo, Sink } from '../core/sink.ts'
import { listBackups } from './catalog.ts'
import type { DoctorRequest, Learned } from './doctor-check.ts'
import { createDecodeStages, type DecodeKeys } from './registry.ts'
import { readContents } from './restore.ts'

type SinkRequest = NonNullable<DoctorRequest['sink']>

const CLEANUP_MS = 30_000
/** S3 refuses requests that are 15 minutes off; an hour mixes up which backup is the newest. */
const SKEW_WARNING_MS = 60_000
const SKEW_FAILURE_MS = 15 * 60_000

/** Writes, finds, lists, reads back and deletes a small object, as a dump would. */
export async function* checkSinkWritable(
  request: SinkRequest,
  learned: Learned,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  await using sink = await request.open()
  const key = `lifeboat-doctor/${newBackupId(clock.now())}.probe`
  const probe = randomBytes(1024)
  let info: ObjectInfo
  let skewMs: number
  let written = false
  try {
    info = await sink.write(key, once(probe), { ifAbsent: sink.traits.exclusiveCreate, signal })
    written = true
    skewMs = info.modified.getTime() - clock.now().getTime()
    await readBack(sink, key, probe, signal)
  } finally {
    if (written) await sink.delete([key], AbortSignal.timeout(CLEANUP_MS))
  }
  if ((await sink.stat(key, signal)) !== undefined) {
    throw new LifeboatError('sink-denied', `unable to delete '${key}' at ${sink.name}: it is still there`, {
      hint: 'Give the account the right to delete, so that failed runs can be cleared away; remove this object by hand.',
    })
  }
  yield {
    level: 'ok',
    topic: 'sink',
    message: `${sink.name}: a probe object was written, listed, read back and deleted`,
  }
  if (!sink.traits.exclusiveCreate) {
    yield {
      level: 'warning',
      topic: 'sink',
      message: 'the place does not honour "create only if absent"',
      hint: 'Backups are safe, their names being unique; leases between several agents are not.',
    }
  }
  yield* skew(sink, skewMs)
  yield* room(sink, learned)
}

async function readBack(sink: Sink, key: string, probe: Buffer, signal: AbortSignal): Promise<void> {
  const wrong = (what: string) =>
    new LifeboatError('integrity', `unable to trust ${sink.name}: the probe object ${what}`, {
      hint: 'Do not dump there: look for a proxy, a gateway or a lifecycle rule that changes or hides objects.',
    })
  if ((await sink.stat(key, signal))?.bytes !== probe.length) throw wrong('has another size than was written')
  let listed = false
  for await (const info of sink.list(key, signal)) listed ||= info.key === key
  if (!listed) throw wrong('is not listed')
  const read = await sink.read(key, { offset: 0, bytes: probe.length }, signal)
  if (!probe.equals(read)) throw wrong('reads back as other bytes')
}

function* skew(sink: Sink, skewMs: number): Generator<Finding> {
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) < SKEW_WARNING_MS) return
  yield {
    level: Math.abs(skewMs) < SKEW_FAILURE_MS ? 'warning' : 'failure',
    topic: 'clock',
    message: `the clock of ${sink.name} is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`,
    hint: 'Set the clock of this machine (timedatectl set-ntp true); S3 refuses requests that are 15 minutes off.',
    code: 'config',
  }
}

/** Only a folder tells its room; buckets have no end, and an SSH host is asked with df by hand. */
async function* room(sink: Sink, { estimateBytes }: Learned): AsyncGenerator<Finding> {
  if (sink.scheme !== 'file') return
  const free = await freeBytes(sink.name.slice('file://'.length))
  const message = `${megabytes(free)} free at ${sink.name}`
  if (estimateBytes === undefined || free > estimateBytes) {
    yield { level: 'ok', topic: 'room', message }
    return
  }
  yield {
    level: 'warning',
    topic: 'room',
    message: `${message}; a dump has about ${megabytes(estimateBytes)} before compression`,
    hint: 'Compression may make it fit; if not, the dump stops with "sink full" and leaves nothing behind.',
  }
}

/** Of the folder, or of the nearest one above it that exists. */
async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw thrown
    return freeBytes(dirname(path))
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`
}

/** Lists the backups, and opens the contents of the newest where a key was named: the best proof that it fits. */
export async function* checkSinkReadable(
  request: SinkRequest,
  decryption: DecodeKeys | undefined,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  await using sink = await request.open()
  const entries = await listBackups(sink, request.job, signal)
  for (const { id, problem } of entries) {
    if (problem === undefined) continue
    yield {
      level: 'warning',
      topic: 'backup',
      message: `${id} is damaged: ${problem}`,
      hint: 'It can not be restored; the others can.',
    }
  }
  const usable = entries.flatMap(({ manifest }) => manifest ?? [])
  const newest = usable.at(-1)
  if (newest === undefined) {
    throw new LifeboatError(
      'sink-not-found',
      `unable to find a backup of job '${request.job}' at ${sink.name}`,
      {
        hint: 'Check the sink URL, its path above all, and --job.',
      },
    )
  }
  yield {
    level: 'ok',
    topic: 'sink',
    message: `${sink.name}: ${usable.length} backups of job '${request.job}', the newest ${newest.id}`,
  }
  const encrypted = newest.stages.some(({ name }) => name === 'openpgp')
  if (encrypted && decryption === undefined) return
  try {
    const stages = await createDecodeStages(newest, decryption ?? NO_KEYS)
    const contents = await readContents(sink, newest, stages, signal)
    yield {
      level: 'ok',
      topic: 'backup',
      message: `${newest.id} opens${encrypted ? ' with this key' : ''}: ${contents.databases.length} databases, ${contents.tables.length} tables`,
    }
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof LifeboatError)) throw thrown
    throw new LifeboatError(thrown.code, `unable to open backup '${newest.id}': ${messageOf(thrown)}`, {
      hint: thrown.hint,
      cause: thrown,
    })
  }
}

const NO_KEYS: DecodeKeys = { keys: [], passphrase: undefined, gpg: false, searchPath: '' }
