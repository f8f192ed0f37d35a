import { layout } from '../core/backup-layout.ts'
import { LifeboatError } from '../core/errors.ts'
import type { SignatureTrust, SignedBy } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'

/** Far more than any signature has. */
const SIGNATURE_BYTES = 64 * 1024

export interface SignedBytes {
  readonly job: string
  readonly id: string
  /** Of the manifest, as they are stored. */
  readonly bytes: Uint8Array
  readonly trust: SignatureTrust
}

/** Throws `signature` unless the signature beside the manifest is of these bytes and by a trusted signer. */
export function checkSignature(
  sink: Sink,
  { job, id, bytes, trust }: SignedBytes,
  signal: AbortSignal,
): Promise<SignedBy> {
  const signed = { what: `backup '${id}' of job '${job}'`, kind: 'backup', bytes, trust }
  return checkSignatureAt(sink, { ...signed, key: layout.signature(job, id) }, signal)
}

/** The same for `what`, one of a `kind` of things, whose signature is the object `key`. */
export async function checkSignatureAt(
  sink: Sink,
  {
    key,
    what,
    kind,
    bytes,
    trust,
  }: Pick<SignedBytes, 'bytes' | 'trust'> & {
    readonly key: string
    readonly what: string
    readonly kind: string
  },
  signal: AbortSignal,
): Promise<SignedBy> {
  const refuse = (reason: string, hint: string, cause?: LifeboatError) =>
    new LifeboatError('signature', `unable to trust ${what} at ${sink.name}: ${reason}`, {
      hint,
      ...(cause !== undefined && { cause, details: cause.details }),
    })
  const info = await sink.stat(key, signal)
  if (info === undefined) {
    throw refuse(
      'it is not signed',
      'Somebody may have put it there. Use a signed one; only if you know that it was made before signing began, add --unsigned-ok.',
    )
  }
  if (info.bytes > SIGNATURE_BYTES) {
    throw refuse(`its signature has ${info.bytes} bytes`, `Use another ${kind}, or another copy of this one.`)
  }
  try {
    return await trust.check(bytes, await sink.read(key, { offset: 0, bytes: info.bytes }, signal))
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError) || thrown.code !== 'signature') throw thrown
    throw refuse(thrown.message, thrown.hint ?? `Use another ${kind}.`, thrown)
  }
}
