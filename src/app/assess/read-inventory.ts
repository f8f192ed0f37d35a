import { readFile } from 'node:fs/promises'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { type Inventory, inventorySchema } from '../inventory/record.ts'

/** One that was exported in plain text. */
export async function readInventoryFile(path: string): Promise<Inventory> {
  const refuse = (reason: string) =>
    new LifeboatError('config', `unable to read inventory '${path}': ${reason}`, {
      hint: 'Name a file that lifeboat inventory export --plain has written.',
    })
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (thrown) {
    throw refuse(messageOf(thrown))
  }
  const parsed = inventorySchema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw refuse(`field '${issue?.path.join('.')}': ${issue?.message}`)
}
