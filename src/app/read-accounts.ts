import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { KeptAccounts } from '../runbooks/source-accounts.ts'

const digest = z.string().regex(/^[0-9a-f]{16}$/)

/** What `migrate WAY --login URL --dry-run --json` has printed while the old database still answered. */
const planSchema = z.object({
  facts: z.object({
    sourceAccounts: z.object({
      of: z.string(),
      sealed: z.object({
        salt: z.string(),
        accounts: z.array(
          z.object({
            name: z.string(),
            rights: z.array(digest).nullable(),
            all: digest,
            count: z.number().int().nonnegative(),
          }),
        ),
        limits: z.array(z.string()),
      }),
    }),
  }),
})

export async function readAccounts(path: string, of: string): Promise<KeptAccounts> {
  const refuse = (code: 'config' | 'integrity' | 'usage', reason: string, cause?: unknown) =>
    new LifeboatError(code, `unable to read accounts from '${path}': ${reason}`, {
      hint: 'Name a file with what lifeboat migrate WAY --login URL --dry-run --json printed while the old database answered; or leave out --accounts.',
      cause,
    })
  let json: unknown
  let written: Date
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
    written = (await stat(path)).mtime
  } catch (thrown) {
    throw refuse(thrown instanceof SyntaxError ? 'integrity' : 'config', messageOf(thrown), thrown)
  }
  const parsed = planSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw refuse('integrity', `field '${issue?.path.join('.')}': ${issue?.message}`)
  }
  const { sourceAccounts } = parsed.data.facts
  if (sourceAccounts.of !== of) throw refuse('usage', `it is of ${sourceAccounts.of}, not of ${of}`)
  return { sealed: sourceAccounts.sealed, from: `${path}, written ${written.toISOString()}` }
}
