/** Vouches for bytes by a detached OpenPGP signature, ASCII-armored: `gpg --verify` takes it. */
export interface Signer {
  /** Of the primary key, upper case, as gpg shows it. */
  readonly fingerprint: string
  sign(bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

export interface SignedBy {
  readonly fingerprint: string
  readonly signedAt: Date
}

/** The signers that an operator trusts. */
export interface SignatureTrust {
  readonly fingerprints: readonly string[]
  /** Throws `signature` unless one of the trusted keys made this signature of these very bytes. */
  check(bytes: Uint8Array, signature: Uint8Array): Promise<SignedBy>
}
