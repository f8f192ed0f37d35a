import type { SignatureTrust } from '../core/signing.ts'
import type { VerbContext } from './run-verb.ts'
import { findSparedConfig, type Spared } from './spared-config.ts'

export interface TrustOptions {
  readonly config?: string
  readonly audit?: string
  readonly file?: readonly string[]
  readonly signer?: readonly string[]
  readonly unsignedOk?: boolean
}

/** Whose signature a backup needs: that of `--signer`, else of the configuration's `signers`, else nobody's. */
export async function readTrust(
  options: TrustOptions,
  context: VerbContext,
  spared: readonly Spared[] = ['audit', 'signers'],
): Promise<{ readonly trust?: SignatureTrust }> {
  if (options.unsignedOk === true) return {}
  const [{ createManifestTrust }, files] = await Promise.all([
    import('../app/registry.ts'),
    options.signer ?? configured(options, spared, context),
  ])
  const trust = await createManifestTrust(files)
  return trust === undefined ? {} : { trust }
}

async function configured(
  options: TrustOptions,
  spared: readonly Spared[],
  context: VerbContext,
): Promise<readonly string[]> {
  const { resolveSigners } = await import('../config/job.ts')
  const loaded = await findSparedConfig(options, spared, context)
  return loaded === undefined ? [] : resolveSigners(loaded)
}
