import { isBackupId, layout } from '../../core/backup-layout.ts'
import { once } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Evidence, evidenceSchema } from '../../core/evidence.ts'
import type { SignatureTrust, SignedBy, Signer } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import { parseStored } from '../catalog.ts'

/** Far more than any record has. */
const RECORD_BYTES = 1024 * 1024
const SIGNATURE_BYTES = 64 * 1024

/** Signature first: a signed record is never seen without it. */
export async function writeEvidence(
  sink: Sink,
  evidence: Evidence,
  signer: Signer | undefined,
  signal: AbortSignal,
): Promise<Evidence> {
  const { job, id } = evidence
  const whole = { ...evidence, ...(signer !== undefined && { signer: signer.fingerprint }) }
  const bytes = Buffer.from(`${JSON.stringify(whole, null, 2)}\n`)
  if (signer !== undefined) {
    const signature = await signer.sign(bytes, signal)
    await sink.write(layout.evidenceSignature(job, id), once(signature), { signal })
  }
  await sink.write(layout.evidence(job, id), once(bytes), { ifAbsent: sink.traits.exclusiveCreate, signal })
  return whole
}

export interface EvidenceName {
  readonly job: string
  readonly id: string
}

/** Job and id of every record at a sink, newest first; none of them is read. */
export async function listEvidence(
  sink: Sink,
  job: string | undefined,
  signal: AbortSignal,
): Promise<readonly EvidenceName[]> {
  const names: EvidenceName[] = []
  for await (const { key } of sink.list(job === undefined ? '' : layout.evidenceOf(job), signal)) {
    const [, name, id] = /^([^/]+)\/evidence\/([^/]+)\.json$/.exec(key) ?? []
    if (name !== undefined && id !== undefined && isBackupId(id)) names.push({ job: name, id })
  }
  return names.sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : a.job < b.job ? -1 : 1))
}

export interface StoredEvidence extends EvidenceName {
  readonly evidence?: Evidence
  /** Where signers are trusted. */
  readonly signedBy?: SignedBy
  /** Why it can't be used, where it can't. */
  readonly problem?: LifeboatError
}

/** What can't be trusted is told as such: it must not hide the others. */
export async function readEvidence(
  sink: Sink,
  name: EvidenceName,
  trust: SignatureTrust | undefined,
  signal: AbortSignal,
): Promise<StoredEvidence> {
  const { job, id } = name
  const key = layout.evidence(job, id)
  try {
    const bytes = await readSmall(sink, key, RECORD_BYTES, signal)
    const signedBy = await checkEvidence(sink, name, bytes, trust, signal)
    const evidence = parseStored(sink, key, bytes, evidenceSchema)
    if (evidence.id !== id || evidence.job !== job) {
      throw new LifeboatError('integrity', `it says that it is '${evidence.job}/${evidence.id}'`)
    }
    return { ...name, evidence, ...(signedBy !== undefined && { signedBy }) }
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError) || !/^(integrity|signature|unsupported)$/.test(thrown.code))
      throw thrown
    return { ...name, problem: thrown }
  }
}

async function checkEvidence(
  sink: Sink,
  { job, id }: EvidenceName,
  bytes: Uint8Array,
  trust: SignatureTrust | undefined,
  signal: AbortSignal,
): Promise<SignedBy | undefined> {
  if (trust === undefined) return undefined
  const key = layout.evidenceSignature(job, id)
  if ((await sink.stat(key, signal)) === undefined) {
    throw new LifeboatError('signature', 'it is not signed')
  }
  return trust.check(bytes, await readSmall(sink, key, SIGNATURE_BYTES, signal))
}

async function readSmall(sink: Sink, key: string, most: number, signal: AbortSignal): Promise<Uint8Array> {
  const info = await sink.stat(key, signal)
  if (info === undefined) throw new LifeboatError('integrity', 'it is gone')
  if (info.bytes > most) throw new LifeboatError('integrity', `it has ${info.bytes} bytes`)
  return sink.read(key, { offset: 0, bytes: info.bytes }, signal)
}
