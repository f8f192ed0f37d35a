import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  remount(option: 'ro' | 'rw'): Promise<void>
}

/** A file system that is soon full. Undefined where this process may not mount one. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'lifeboat-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'lifeboat-test', path])
  } catch {
    await rm(path, { recursive: true })
    return undefined
  }
  return {
    path,
    async remount(option) {
      await run('mount', ['-o', `remount,${option}`, path])
    },
    async [Symbol.asyncDispose]() {
      // Lazily: a command that still runs must not keep the disk.
      await run('umount', ['--lazy', path])
      await rm(path, { recursive: true })
    },
  }
}
