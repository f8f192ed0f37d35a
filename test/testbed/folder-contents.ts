import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { newTempName } from '../../src/core/object-key.ts'

/** Every file below the folder, temp names and all, by its path from there. */
export async function fileNames(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = found.filter((entry) => !entry.isDirectory())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort()
}

/** What a write leaves below the folder whose process was killed. */
export async function abandonWrite(folder: string, key: string): Promise<void> {
  const path = join(folder, key)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(join(dirname(path), newTempName(key.split('/').at(-1) ?? '')), 'half of it')
}
