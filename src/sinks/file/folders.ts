import { lstat, open, realpath, rmdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { makeFolders } from '../../core/make-folders.ts'
import { isErrno } from './errors.ts'

/** A folder's entries are durable only once the folder itself is: fsync(2), "Calling fsync() does not…". */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the folder and what is missing above it, 0700, durably. */
export async function makeFolder(path: string): Promise<void> {
  await makeFolders(path, (made) => syncFolder(dirname(made)))
}

/** Removes the folder and those above it, up to the root, as long as they are empty. */
export async function removeEmptyFolders(root: string, path: string): Promise<void> {
  for (let folder = path; folder !== root && folder.startsWith(root); folder = dirname(folder)) {
    try {
      await rmdir(folder)
    } catch (thrown) {
      // Not empty, or another writer's or remover's business by now: it stays.
      if (isErrno(thrown, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'EBUSY')) return
      throw thrown
    }
  }
}

/** Refuses a folder that a symbolic link below the root leads out of it; what does not exist yet leads nowhere. */
export async function checkInside(root: string, path: string): Promise<void> {
  const realRoot = await existing(root)
  const real = await existing(path)
  if (realRoot === undefined || real === undefined) return
  if (real === realRoot || real.startsWith(realRoot === sep ? sep : realRoot + sep)) return
  throw new LifeboatError(
    'sink-denied',
    `unable to use folder '${path}': a symbolic link leads out of '${root}'`,
    {
      hint: `Put a real folder in its place, or name its target as the sink: file://${real}.`,
    },
  )
}

/** Real path of the nearest ancestor that exists. */
async function existing(path: string): Promise<string | undefined> {
  for (let candidate = path; ; candidate = dirname(candidate)) {
    try {
      return await realpath(candidate)
    } catch (thrown) {
      if (!isErrno(thrown, 'ENOENT', 'ENOTDIR')) throw thrown
      if (candidate === dirname(candidate)) return undefined
    }
  }
}

/** As fs.lstat, with undefined for what is not there. */
export async function lstatIfAny(path: string) {
  try {
    return await lstat(path)
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR')) return undefined
    throw thrown
  }
}

export function pathOf(root: string, steps: readonly string[]): string {
  return join(root, ...steps)
}
