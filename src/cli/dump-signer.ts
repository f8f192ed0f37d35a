import { randomBytes } from 'node:crypto'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { Signer } from '../core/signing.ts'
import type { DumpPlan } from './dump-plan.ts'
import type { VerbContext } from './run-verb.ts'

/**
 * Who signs the backup; undefined for nobody. A key that can't be used stops the run, but no emergency: data that is out
 * unsigned is worth more than none.
 */
export async function openDumpSigner(
  { signing: { file, gpg, passphrase }, emergency }: Pick<DumpPlan, 'signing' | 'emergency'>,
  context: VerbContext,
): Promise<Signer | undefined> {
  const { createManifestSigner } = await import('../app/registry.ts')
  const { searchPath } = context.environment
  try {
    const secret = context.secret(passphrase.option, passphrase.reference, 'passphrase of the signing key')
    const signer = await createManifestSigner(
      {
        ...(file !== undefined && { file }),
        ...(gpg !== undefined && { gpg }),
        ...(secret !== undefined && { passphrase: secret }),
        searchPath,
      },
      context.signal,
    )
    // gpg asks for a passphrase or a card only when it signs: at the end that would cost the whole dump.
    if (gpg !== undefined) await signer?.sign(randomBytes(32), context.signal)
    return signer
  } catch (thrown) {
    if (!emergency || context.signal.aborted || !(thrown instanceof LifeboatError)) throw thrown
    context.reporter.warn({
      message: `emergency: this backup is not signed: ${messageOf(thrown)}`,
      hint: 'the manifest says so; where signers are trusted, a restore of it needs --unsigned-ok',
    })
    return undefined
  }
}
