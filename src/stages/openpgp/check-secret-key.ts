import { randomBytes } from 'node:crypto'
import { collect, once } from '../../core/bytes.ts'
import { throwIfAborted, toLifeboatError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { createOpenpgp, type DecryptionMeans } from './openpgp.ts'
import type { Recipient } from './recipients.ts'

const PROBE_BYTES = 1024

/** A line for `doctor`: does this key, with this passphrase, really open what is encrypted to these recipients? */
export async function checkSecretKey(
  means: DecryptionMeans,
  recipients: readonly Recipient[],
  signal: AbortSignal,
): Promise<Finding> {
  const stage = createOpenpgp({ recipients, decryption: means })
  const probe = randomBytes(PROBE_BYTES)
  try {
    const opened = await collect(stage.decode(stage.encode(once(probe), signal), signal))
    if (!probe.equals(opened)) throw new Error('the key opened other bytes than those encrypted')
  } catch (thrown) {
    throwIfAborted(signal)
    const { code, message, hint } = toLifeboatError(thrown)
    return { level: 'failure', topic: 'secret key', message, code, ...(hint === undefined ? {} : { hint }) }
  }
  const names = recipients.map(({ fingerprint, userId }) => `${fingerprint} ${userId}`).join(', ')
  return { level: 'ok', topic: 'secret key', message: `opens what is encrypted to ${names}` }
}
