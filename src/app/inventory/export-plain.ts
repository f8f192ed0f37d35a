import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { makeFolders } from '../../core/make-folders.ts'
import { newTempName } from '../../core/object-key.ts'
import type { Inventory } from './record.ts'

/** Writes `<id>.json`, for its owner's eyes only, whole or not at all. Returns its path. */
export async function exportPlain(inventory: Inventory, folder: string): Promise<string> {
  const path = join(folder, `${inventory.id}.json`)
  const temp = join(folder, newTempName(`${inventory.id}.json`))
  try {
    await makeFolders(folder)
    {
      await using file = await open(temp, 'wx', 0o600)
      await file.writeFile(`${JSON.stringify(inventory, null, 2)}\n`)
      await file.sync()
    }
    await rename(temp, path)
  } catch (thrown) {
    await rm(temp, { force: true })
    throw new LifeboatError('config', `unable to write file '${path}': ${messageOf(thrown)}`, {
      hint: 'Choose a folder that you may write to with --out FOLDER.',
      cause: thrown,
    })
  }
  return path
}
