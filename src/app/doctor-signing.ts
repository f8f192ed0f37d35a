import { randomBytes } from 'node:crypto'
import type { Finding } from '../core/finding.ts'
import type { SignatureTrust, Signer } from '../core/signing.ts'

export interface SigningRequest {
  /** Reads the key, and asks for its passphrase; undefined where nobody signs. */
  readonly signer: () => Promise<Signer | undefined>
  /** Undefined where no signature is demanded. */
  readonly trust: () => Promise<SignatureTrust | undefined>
}

const PROBE_BYTES = 64

/** A line for `doctor`: does the key, with its passphrase, really sign, and would a restore believe it? */
export async function* checkSigning(request: SigningRequest, signal: AbortSignal): AsyncGenerator<Finding> {
  const topic = 'signing'
  const trust = await request.trust()
  const signer = await request.signer()
  if (signer === undefined) {
    if (trust === undefined) return
    yield {
      level: 'warning',
      topic,
      message: 'signers are named, and nobody signs: no restore takes what is dumped from here',
      hint: 'Write signing: { key: NAME } in the configuration.',
    }
    return
  }
  const probe = randomBytes(PROBE_BYTES)
  const signature = await signer.sign(probe, signal)
  if (trust !== undefined) await trust.check(probe, signature)
  const demanded =
    trust === undefined ? 'no restore demands it, for no signers are named' : 'a restore trusts it'
  yield { level: 'ok', topic, message: `key ${signer.fingerprint} signs, and ${demanded}` }
}
