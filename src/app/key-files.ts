import { readFile } from 'node:fs/promises'
import { LifeboatError, messageOf } from '../core/errors.ts'

export interface KeyFileBytes {
  readonly name: string
  readonly bytes: Uint8Array
}

export function readKeyFiles(paths: readonly string[]): Promise<KeyFileBytes[]> {
  return Promise.all(paths.map(readOne))
}

async function readOne(path: string): Promise<KeyFileBytes> {
  try {
    return { name: path, bytes: await readFile(path) }
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    throw new LifeboatError(
      'key-unusable',
      `unable to read key file '${path}': ${missing ? 'there is no such file' : messageOf(thrown)}`,
      { hint: 'Check the path; lifeboat keygen makes a new pair of keys.', cause: thrown },
    )
  }
}
