import type { Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfAborted } from '../../core/errors.ts'
import { inKeyOrder, mayHold, prefixFolder } from '../../core/object-key.ts'
import { fileError, isErrno } from './errors.ts'
import { lstatIfAny, pathOf } from './folders.ts'

export interface FoundFile {
  /** Its folder's key with a slash; empty at the root. */
  readonly folder: string
  readonly name: string
  readonly stats: Stats
}

/** All regular files whose folder may hold the prefix, in the order of their keys. Links are not followed. */
export async function* walkFiles(
  root: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<FoundFile> {
  const steps = prefixFolder(prefix)
  yield* walk(pathOf(root, steps), steps.map((step) => `${step}/`).join(''), prefix, signal)
}

async function* walk(
  path: string,
  folder: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<FoundFile> {
  throwIfAborted(signal)
  for (const { name, isFolder } of inKeyOrder(await entries(path))) {
    if (isFolder) {
      if (mayHold(`${folder}${name}/`, prefix))
        yield* walk(join(path, name), `${folder}${name}/`, prefix, signal)
      continue
    }
    throwIfAborted(signal)
    // What vanishes while it is listed was deleted, or was a temp name.
    const stats = await lstatIfAny(join(path, name))
    if (stats?.isFile() === true) yield { folder, name, stats }
  }
}

async function entries(path: string) {
  try {
    const found = await readdir(path, { withFileTypes: true })
    return found.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
  } catch (thrown) {
    if (isErrno(thrown, 'ENOENT', 'ENOTDIR')) return []
    throw fileError('list folder', path, thrown)
  }
}
