import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { newTempName } from '../../core/object-key.ts'
import type { WriteOptions } from '../../core/sink.ts'
import { untilAborted } from '../../core/until-aborted.ts'
import { createEarlySync } from './early-sync.ts'
import { fileError, isErrno } from './errors.ts'
import { checkInside, lstatIfAny, makeFolder, removeEmptyFolders, syncFolder } from './folders.ts'

/** How often a folder is made anew that a concurrent delete found empty and removed. */
const FOLDER_ATTEMPTS = 5

/** Writes a file whole and durably, or not at all: temp name, fsync, rename (link where it must not exist), fsync. */
export async function writeFileDurably(
  root: string,
  path: string,
  body: Bytes,
  { ifAbsent = false, signal }: WriteOptions,
): Promise<void> {
  throwIfAborted(signal)
  const folder = dirname(path)
  const temp = join(folder, newTempName(basename(path)))
  try {
    await checkInside(root, folder)
    const standing = await lstatIfAny(path)
    if (standing?.isDirectory() === true) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' })
    if (ifAbsent && standing !== undefined) throw exists(path)
    await fill(await create(folder, temp), body, path, signal)
    throwIfAborted(signal)
    await publish(temp, path, ifAbsent)
  } catch (thrown) {
    try {
      await rm(temp, { force: true })
      await removeEmptyFolders(root, folder)
    } catch {
      // The first failure is the one to tell; what could not be removed now a sweep removes.
    }
    throw thrown instanceof BodyFailure ? thrown.reason : fileError('write file', path, thrown)
  }
}

/** Carries an error of the body past those of the disk, so that it comes out unchanged whatever it is. */
class BodyFailure {
  readonly reason: unknown

  constructor(reason: unknown) {
    this.reason = reason
  }
}

async function create(folder: string, temp: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt += 1) {
    await makeFolder(folder)
    try {
      return await open(temp, 'wx', 0o600)
    } catch (thrown) {
      if (!isErrno(thrown, 'ENOENT') || attempt === FOLDER_ATTEMPTS) throw thrown
    }
  }
}

async function fill(handle: FileHandle, body: Bytes, path: string, signal: AbortSignal): Promise<void> {
  try {
    const early = createEarlySync(handle)
    let bytes = 0
    for await (const piece of failuresOf(untilAborted(body, signal))) {
      for (let offset = 0; offset < piece.length; ) {
        offset += (await handle.write(piece, offset)).bytesWritten
      }
      bytes += piece.length
      early.wrote(piece.length)
    }
    await early.settled()
    await handle.sync()
    const stored = (await handle.stat()).size
    if (stored !== bytes) {
      throw new LifeboatError(
        'integrity',
        `unable to write file '${path}': ${bytes} bytes were written, ${stored} are there`,
        {
          hint: 'The disk lost data without an error: do not trust it; write to another sink.',
        },
      )
    }
  } finally {
    await handle.close()
  }
}

async function* failuresOf(body: Bytes): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (thrown) {
    throw new BodyFailure(thrown)
  }
}

async function publish(temp: string, path: string, ifAbsent: boolean): Promise<void> {
  if (ifAbsent) {
    try {
      await link(temp, path)
    } catch (thrown) {
      if (isErrno(thrown, 'EEXIST')) throw exists(path)
      if (isErrno(thrown, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'))
        throw noHardLinks(path, thrown)
      throw thrown
    }
  } else {
    await rename(temp, path)
  }
  try {
    // After the link a second name is left over; after the rename, nothing.
    await rm(temp, { force: true })
    await syncFolder(dirname(path))
  } catch (thrown) {
    // Not durable is not written.
    await rm(path, { force: true })
    throw thrown
  }
}

function exists(path: string): LifeboatError {
  return new LifeboatError('sink-exists', `unable to create file '${path}': it exists already`, {
    hint: 'Another run wrote it; look at what is there before anything is written again.',
  })
}

function noHardLinks(path: string, cause: unknown): LifeboatError {
  return new LifeboatError(
    'sink-denied',
    `unable to create file '${path}': its file system has no hard links`,
    {
      hint: 'Use a disk with ext4, XFS, Btrfs, ZFS or NTFS: FAT and exFAT cannot create a file exclusively.',
      cause,
    },
  )
}
