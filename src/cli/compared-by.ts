import type { Proofs } from '../app/attestation.ts'
import { showCount } from './amounts.ts'

/** `3 volumes have the SHA-256 of the index`: how strong a proof is that reads nothing. */
export function comparedBy(proofs: Proofs): string {
  const { digest, checksum, etag, size } = proofs
  const said = [
    digest > 0 && `the SHA-256 of ${showCount(digest, 'volume')}`,
    checksum > 0 && `the checksum of ${showCount(checksum, 'volume')}`,
    etag > 0 && `the ETag of ${showCount(etag, 'volume')}`,
    size > 0 && `of ${showCount(size, 'volume')} only the size, for this sink says no more`,
  ].filter((each) => each !== false)
  return said.length === 0 ? 'there is no volume' : `compared: ${said.join(', ')}`
}
