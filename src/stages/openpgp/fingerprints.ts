import { readKeys } from 'openpgp'
import { type KeyFile, readKeyFile } from './key-file.ts'

/** Of the primary keys in a file, public or secret: no passphrase is needed. */
export async function readFingerprints(file: KeyFile): Promise<readonly string[]> {
  const { binary } = await readKeyFile(file)
  const keys = await readKeys({ binaryKeys: binary })
  return keys.map((key) => key.getFingerprint().toUpperCase())
}
