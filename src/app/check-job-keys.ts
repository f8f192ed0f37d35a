import type { ResolvedDrill } from '../config/drill.ts'
import type { ResolvedSigning } from '../config/job.ts'
import { LifeboatError } from '../core/errors.ts'
import { readKeyFiles } from './key-files.ts'
import { readKeyFingerprints } from './registry.ts'

/** What a job's runs sign with and are checked by, besides what they encrypt to. */
export interface JobKeys {
  readonly signing: ResolvedSigning
  /** Files with the public keys of those whose signature is demanded. */
  readonly signers: readonly string[]
  readonly drill: Pick<ResolvedDrill, 'key'>
}

/** Each as a step that throws where something is wrong. No passphrase is asked for: that is `doctor`'s matter. */
export function jobKeyChecks({
  signing,
  signers,
  drill,
}: JobKeys): readonly (readonly [topic: string, check: () => Promise<unknown>])[] {
  const { file } = signing
  const own = async () => {
    const { readSigningFingerprint } = await import('../stages/openpgp/index.ts')
    const [key] = file === undefined ? [] : await readKeyFiles([file])
    return key && readSigningFingerprint(key)
  }
  return [
    ['signing key', own],
    ...signers.map((path) => ['signer', () => readKeyFingerprints([path])] as const),
    ...(file === undefined || signers.length === 0
      ? []
      : [
          ['signers', async () => refuseStranger(file, await own().catch(() => undefined), signers)] as const,
        ]),
    ...[drill.key].flatMap((key) =>
      key === undefined ? [] : [['drill key', () => readKeyFingerprints([key.file])] as const],
    ),
  ]
}

/** Every dump would be signed by somebody whom no restore believes. A key that can't be read is told by itself. */
async function refuseStranger(
  file: string,
  fingerprint: string | undefined,
  signers: readonly string[],
): Promise<void> {
  if (fingerprint === undefined || (await readKeyFingerprints(signers)).includes(fingerprint)) return
  throw new LifeboatError(
    'signature',
    `unable to trust what key '${file}' will sign: none of signers is ${fingerprint}`,
    { hint: 'Name that key under signers too: a restore takes nothing that none of them signed.' },
  )
}
