import { access, constants, type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type AuditEntry, type AuditHead, NO_RECORD } from '../../core/audit-record.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { digestOf } from './line.ts'
import { withFileLock } from './lock.ts'
import { readTail, type Tail } from './tail.ts'

export interface AuditLog {
  readonly file: string
  /** Resolves, with the place that the log has reached, once the record is on the disk. Throws `config` where it can't be. */
  append(entry: AuditEntry, signal: AbortSignal): Promise<AuditHead>
  /** Throws as `append` would, as far as can be told without writing. */
  check(): Promise<void>
}

/** JSON lines, each with the SHA-256 of the one before. Several processes may write to one file. */
export function createAuditLog(file: string, clock: Clock): AuditLog {
  return {
    file,
    async append(entry, signal) {
      try {
        return await withFileLock(file, clock, signal, () => append(file, entry, clock))
      } catch (thrown) {
        throw toUnwritten(file, thrown)
      }
    },
    async check() {
      try {
        await access(dirname(file), constants.W_OK | constants.X_OK)
        if (await isThere(file)) await checkIsLog(file)
      } catch (thrown) {
        throw toUnwritten(file, thrown)
      }
    },
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK | constants.W_OK)
    return true
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw thrown
  }
}

async function checkIsLog(file: string): Promise<void> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  await tailOf(handle, file)
}

async function tailOf(handle: FileHandle, file: string): Promise<Tail & { readonly bytes: number }> {
  const info = await handle.stat()
  if (info.isDirectory()) throw Object.assign(new Error(`'${file}' is a folder`), { code: 'EISDIR' })
  if (!info.isFile()) throw notALog(file)
  const tail = await readTail(handle, info.size)
  if (tail === undefined) throw notALog(file)
  return { ...tail, bytes: info.size }
}

async function append(file: string, entry: AuditEntry, clock: Clock): Promise<AuditHead> {
  // Appending only: it may be all that the file system allows (chattr +a).
  await using handle = await open(file, 'a+', 0o600)
  const tail = await tailOf(handle, file)
  const { lines, head } = follow(tail, entry, clock.now())
  try {
    await handle.writeFile(lines)
    await handle.sync()
  } catch (thrown) {
    // What stays all the same, where only appending is allowed, the next record accounts for.
    await handle.truncate(tail.bytes).catch(() => undefined)
    throw thrown
  }
  if (tail.bytes === 0) await syncFolder(dirname(file))
  return head
}

/** The entry as the next record; before it one that accounts for what a writer has left that was cut off. */
function follow(
  { last, torn, ended }: Tail,
  entry: AuditEntry,
  now: Date,
): { lines: Buffer; head: AuditHead } {
  const entries: readonly AuditEntry[] =
    torn.length === 0 ? [entry] : [{ event: 'torn', bytes: torn.length, sha256: digestOf(torn) }, entry]
  let head =
    last === undefined ? { records: 0, head: NO_RECORD } : { records: last.record, head: last.digest }
  const lines: Buffer[] = ended ? [] : [Buffer.from('\n')]
  for (const each of entries) {
    const chained = { format: 1, record: head.records + 1, previous: head.head, at: now.toISOString() }
    const line = Buffer.from(JSON.stringify({ ...chained, ...each }))
    lines.push(line, Buffer.from('\n'))
    head = { records: chained.record, head: digestOf(line) }
  }
  return { lines: Buffer.concat(lines), head }
}

/** Else a crash of the machine could take the name of a new log. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined
  try {
    folder = await open(path, 'r')
    await folder.sync()
  } catch (thrown) {
    // A folder that may be written to and not read, or whose file system can't sync one.
    if (!/^(EACCES|EPERM|EINVAL|EISDIR)$/.test((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown
  } finally {
    await folder?.close()
  }
}

const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['its folder is not there', 'Make the folder, with mode 0700 for the user who runs lifeboat.'],
  ENOTDIR: ['a part of its path is no folder', 'Give the full path of a file.'],
  EISDIR: ['it is a folder', 'Give the full path of a file.'],
  ENOSPC: ['no space is left on the disk', 'Make room there, and run the same command again.'],
  EDQUOT: ['the quota is used up', 'Make room there, and run the same command again.'],
  EROFS: [
    'it is on a disk that is mounted read-only',
    'Mount it read-write, or give another file; where systemd runs it, write the unit anew with: lifeboat schedule.',
  ],
}

function toUnwritten(file: string, thrown: unknown): unknown {
  if (thrown instanceof LifeboatError) return thrown
  const { code } = thrown as NodeJS.ErrnoException
  if (typeof code !== 'string') return thrown
  const [reason, hint] = REASONS[code] ?? [
    messageOf(thrown),
    'The user who runs lifeboat must be able to write to the file and to its folder.',
  ]
  return new LifeboatError('config', `unable to write audit log '${file}': ${reason}`, {
    hint,
    cause: thrown,
  })
}

function notALog(file: string): LifeboatError {
  return new LifeboatError('config', `unable to write audit log '${file}': it is something else`, {
    hint: 'Give the path of an audit log, or of a file that is not there yet.',
  })
}
