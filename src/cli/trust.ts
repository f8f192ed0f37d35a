import type { SignatureTrust } from '../core/signing.ts'
import type { VerbContext } from './run-verb.ts'

export interface TrustOptions {
  readonly config?: string
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
}

/** Whose signature a backup needs: that of `--signer`, else of the configuration's `signers`, else nobody's. */
export async function readTrust(
  options: TrustOptions,
  context: VerbContext,
): Promise<{ readonly trust?: SignatureTrust }> {
  if (options.unsignedOk === true) return {}
  const [{ createManifestTrust }, files] = await Promise.all([
    import('../app/registry.ts'),
    options.signer ?? configured(options, context),
  ])
  const trust = await createManifestTrust(files)
  return trust === undefined ? {} : { trust }
}

async function configured(options: TrustOptions, context: VerbContext): Promise<readonly string[]> {
  const [{ findConfig }, { resolveSigners }] = await Promise.all([
    import('../config/find-config.ts'),
    import('../config/job.ts'),
  ])
  const loaded = await findConfig(options.config, context.environment)
  return loaded === undefined ? [] : resolveSigners(loaded)
}
