import { LifeboatError } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { type DoctorRequest, failure } from './doctor-check.ts'
import { readKeyFiles } from './key-files.ts'
import { type DecodeKeys, readDecryption } from './registry.ts'

/** The recipients one by one; with a secret key too, whether that key opens what is encrypted to them. */
export async function* checkKeys(
  {
    recipients,
    decryption,
    clock,
    sink,
  }: Pick<DoctorRequest, 'recipients' | 'decryption' | 'clock' | 'sink'>,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  if (recipients.length === 0) {
    if (decryption !== undefined && sink?.use !== 'read') yield* checkLoneKey(decryption)
    return
  }
  const { checkRecipients, checkSecretKey, readRecipients } = await import('../stages/openpgp/index.ts')
  const usable = []
  for (const path of recipients) {
    try {
      const [file] = await readKeyFiles([path])
      if (file === undefined) continue
      const findings = await checkRecipients([file], clock.now())
      yield* findings
      if (!findings.some(({ level }) => level === 'failure')) usable.push(file)
    } catch (thrown) {
      yield failure('recipient', thrown)
    }
  }
  if (decryption === undefined || usable.length === 0) return
  yield await checkSecretKey(
    await readDecryption(decryption, 'a probe message'),
    await readRecipients(usable),
    signal,
  )
}

/** Without a recipient or a backup nothing is encrypted to it, so only its form can be looked at. */
async function* checkLoneKey(decryption: DecodeKeys): AsyncGenerator<Finding> {
  const means = await readDecryption(decryption, 'a probe message')
  if ('secretKeys' in means && means.secretKeys.some(({ bytes }) => bytes.length === 0)) {
    throw new LifeboatError('key-unusable', 'unable to use the secret key: its file is empty', {
      hint: 'Give the file that lifeboat keygen or gpg --export-secret-keys wrote.',
    })
  }
  yield {
    level: 'warning',
    topic: 'secret key',
    message: 'it was found, but there is nothing here to try it on',
    hint: 'Add --recipient FILE (its public half) or --at SINK-URL (a backup) to prove that it opens them.',
  }
}
