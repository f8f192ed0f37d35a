import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDecodeStages, createManifestSigner, createManifestTrust } from '../../src/app/registry.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import type { SignatureTrust, Signer } from '../../src/core/signing.ts'
import type { Stage } from '../../src/core/stage.ts'
import { generateKey } from '../../src/stages/openpgp/index.ts'

/** Key pairs of a campaign, in files, without a passphrase. */
export interface ChaosKeys {
  readonly recipient: string
  readonly secret: string
  readonly signingSecret: string
  readonly signingPublic: string
  readonly signer: Signer
  /** Signs under the same name with a key that nobody trusts. */
  readonly stranger: Signer
  readonly trust: SignatureTrust
  decoders(manifest: Manifest): Promise<Stage[]>
}

export async function makeKeys(folder: string): Promise<ChaosKeys> {
  const { signal } = new AbortController()
  const path = (name: string) => join(folder, name)
  for (const name of ['data', 'ops', 'stranger']) {
    const key = await generateKey({ name: name === 'stranger' ? 'ops' : name, algorithm: 'ecc' })
    await writeFile(path(`${name}.sec.asc`), key.armoredSecret, { mode: 0o600 })
    await writeFile(path(`${name}.pub.asc`), key.armoredPublic)
  }
  const signerOf = async (name: string) => {
    const signer = await createManifestSigner({ file: path(`${name}.sec.asc`), searchPath: '' }, signal)
    if (signer === undefined) throw new Error('a file was named')
    return signer
  }
  const trust = await createManifestTrust([path('ops.pub.asc')])
  if (trust === undefined) throw new Error('a file was named')
  return {
    recipient: path('data.pub.asc'),
    secret: path('data.sec.asc'),
    signingSecret: path('ops.sec.asc'),
    signingPublic: path('ops.pub.asc'),
    signer: await signerOf('ops'),
    stranger: await signerOf('stranger'),
    trust,
    decoders: (manifest) =>
      createDecodeStages(manifest, {
        keys: [path('data.sec.asc')],
        gpg: false,
        searchPath: '',
        passphrase: undefined,
      }),
  }
}
