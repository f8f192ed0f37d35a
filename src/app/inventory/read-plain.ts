import { readFile } from 'node:fs/promises'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { type Inventory, inventorySchema } from './record.ts'

/** What `inventory export --plain` has written: the operator keeps it, and answers for it. */
export async function readPlain(path: string): Promise<Inventory> {
  const refuse = (code: 'config' | 'integrity', reason: string, cause?: unknown) =>
    new LifeboatError(code, `unable to read inventory '${path}': ${reason}`, {
      hint: 'Name a file that lifeboat inventory export --plain has written.',
      cause,
    })
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (thrown) {
    throw refuse(thrown instanceof SyntaxError ? 'integrity' : 'config', messageOf(thrown), thrown)
  }
  const parsed = inventorySchema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw refuse('integrity', `field '${issue?.path.join('.')}': ${issue?.message}`)
}
