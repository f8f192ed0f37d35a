import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { chmod, lstat, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError, messageOf } from './errors.ts'

const ZEROS = Buffer.alloc(1024 * 1024)
/** Each waits for the disk: one after the other, the thousand files of a new database server take seconds. */
const FILES_AT_ONCE = 32

/**
 * Overwrites every file in the folder once and removes all of it; links are removed, not followed. What can't be overwritten
 * is removed all the same, and then told. SECURITY.md says on which disks an overwrite promises nothing.
 */
export async function destroyFolder(path: string): Promise<void> {
  let failed: { readonly path: string; readonly thrown: unknown } | undefined
  const destroy = async (file: string) => {
    try {
      await overwrite(file)
    } catch (thrown) {
      // Gone by itself, or removed by another run that sweeps the same folder.
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') failed ??= { path: file, thrown }
    }
  }
  const files = await filesIn(path)
  for (let at = 0; at < files.length; at += FILES_AT_ONCE) {
    await Promise.all(files.slice(at, at + FILES_AT_ONCE).map(destroy))
  }
  await rm(path, { recursive: true, force: true })
  if (failed === undefined) return
  throw new LifeboatError(
    'config',
    `unable to overwrite scratch file '${failed.path}': ${messageOf(failed.thrown)}`,
    {
      hint: 'It was removed, but its bytes may still be on the disk: change the password that it held if others can read that disk.',
      cause: failed.thrown,
    },
  )
}

/** Regular files only: a FIFO holds nothing, and to open one could wait for ever. */
async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    const found = entries.map((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesIn(path)
      return entry.isFile() ? [path] : []
    })
    return (await Promise.all(found)).flat()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw thrown
  }
}

async function overwrite(path: string): Promise<void> {
  // A tool may have made its file read-only.
  if (((await lstat(path)).mode & 0o200) === 0) await chmod(path, 0o600)
  await using file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  const { size } = await file.stat()
  for (let at = 0; at < size; at += ZEROS.length) {
    await file.write(ZEROS, 0, Math.min(ZEROS.length, size - at), at)
  }
  // Else the file could be gone before a zero has reached the disk.
  await file.datasync()
}

/** The same for a process that ends, where nothing can be waited for, nor told. Whatever stays, the next run sweeps. */
export function destroyFolderNow(path: string): void {
  for (const file of filesNow(path)) {
    try {
      overwriteNow(file)
    } catch {
      // Gone by itself, or read-only: it is removed all the same.
    }
  }
  rmSync(path, { recursive: true, force: true })
}

function filesNow(path: string): readonly string[] {
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true, recursive: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  )
}

function overwriteNow(path: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    const { size } = fstatSync(file)
    for (let at = 0; at < size; at += ZEROS.length) {
      writeSync(file, ZEROS, 0, Math.min(ZEROS.length, size - at), at)
    }
    fdatasyncSync(file)
  } finally {
    closeSync(file)
  }
}
