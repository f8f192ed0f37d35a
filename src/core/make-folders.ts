import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and what is missing above it, 0700; `onMade` is called after each. One by one: Node's recursive mkdir
 * says ENOENT on a file system that is mounted read-only, and never ends below /proc (both tried on Node 24).
 */
export async function makeFolders(path: string, onMade?: (made: string) => Promise<void>): Promise<void> {
  if (await isFolder(path)) return
  const above = dirname(path)
  if (above !== path) await makeFolders(above, onMade)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (thrown) {
    // Another writer was quicker.
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST' && (await isFolder(path))) return
    throw thrown
  }
  await onMade?.(path)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw thrown
  }
}
