import { createHash } from 'node:crypto'
import { LifeboatError } from '../core/errors.ts'
import type { Manifest, Volume } from '../core/manifest.ts'
import type { ObjectInfo, Sink } from '../core/sink.ts'
import { createSlots } from '../core/slots.ts'
import type { StoredObject } from './stored-object.ts'

/**
 * How a stored volume was compared without reading it, strongest first:
 * - `digest`: a SHA-256 that the place took by itself, against the digests in the index. Nobody can forge it.
 * - `checksum`: a CRC of the place against the one in the manifest. It finds accidents; a CRC can be forged.
 * - `etag`: the same with the ETag, where the place gives no checksum.
 * - `size`: nothing but the length. Folders and SSH hosts attest no more.
 */
export type Proof = 'digest' | 'checksum' | 'etag' | 'size'

export type Proofs = Readonly<Record<Proof, number>>

/** A volume as the manifest describes it, with the digests of the index. */
export interface AttestedVolume {
  readonly stored: StoredObject
  readonly volume: Volume
}

type Facts = Readonly<Record<string, string>>

/** Looks at several objects at once: a far place answers each in a tenth of a second. */
const LOOKS_AT_ONCE = 8

/**
 * Compares what the sink says of every volume with what the manifest says of it, and reads nothing. Throws `integrity`
 * at a difference. A copy at another place has the same manifest, so a version id may differ: but then in all volumes.
 */
export async function checkAttested(
  sink: Sink,
  manifest: Manifest,
  volumes: readonly AttestedVolume[],
  signal: AbortSignal,
): Promise<Proofs> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const slots = createSlots(LOOKS_AT_ONCE)
  const looks = volumes.map((each) =>
    slots.run(async () => ({ each, info: await look(sink, each, both) }), both),
  )
  const proofs: Record<Proof, number> = { digest: 0, checksum: 0, etag: 0, size: 0 }
  const versions = { same: 0, other: undefined as string | undefined }
  try {
    for (const { each, info } of await Promise.all(looks)) {
      const proof = compare(sink, each, info)
      proofs[proof] += 1
      const [ours, theirs] = [each.volume.attestation?.versionId, info.attestation?.versionId]
      if (ours !== undefined && ours === theirs) versions.same += 1
      else if (ours !== undefined && theirs !== undefined) versions.other ??= each.stored.key
    }
  } catch (thrown) {
    stop.abort(new LifeboatError('interrupted', 'another look failed'))
    await Promise.allSettled(looks)
    throw thrown
  }
  if (versions.same > 0 && versions.other !== undefined) {
    throw differs(
      sink,
      versions.other,
      `backup '${manifest.id}' was stored here, and this object was written anew since`,
    )
  }
  return proofs
}

async function look(
  sink: Sink,
  { stored, volume }: AttestedVolume,
  signal: AbortSignal,
): Promise<ObjectInfo> {
  const info = await sink.stat(stored.key, signal)
  if (info === undefined) throw incomplete(sink, stored.key, 'it is missing')
  if (volume.bytes !== stored.bytes) {
    throw incomplete(sink, stored.key, `manifest and index give it ${volume.bytes} and ${stored.bytes} bytes`)
  }
  if (info.bytes === stored.bytes) return info
  throw incomplete(sink, stored.key, `it has ${info.bytes} bytes, not ${stored.bytes}`)
}

function compare(sink: Sink, { stored, volume }: AttestedVolume, { attestation = {} }: ObjectInfo): Proof {
  const recorded: Facts = volume.attestation ?? {}
  const refuse = (what: string, theirs: string, ours: string) =>
    differs(sink, stored.key, `its ${what} is ${theirs}, and it was stored with ${ours}`)
  const digest = sha256Of(stored, attestation.SHA256)
  if (digest !== undefined && attestation.SHA256 !== undefined) {
    if (attestation.SHA256 === digest) return 'digest'
    throw refuse('SHA-256', attestation.SHA256, digest)
  }
  const common = CHECKSUMS.filter((name) => areAlike(attestation[name], recorded[name]))
  const wrong = common.find((name) => attestation[name] !== recorded[name])
  if (wrong !== undefined) throw refuse(wrong, attestation[wrong] ?? '', recorded[wrong] ?? '')
  if (common.length > 0) return 'checksum'
  const [theirs, ours] = [attestation.ETag, recorded.ETag]
  if (theirs !== undefined && theirs === ours) return 'etag'
  if (areAlike(theirs, ours) && areMd5(attestation, recorded)) throw refuse('ETag', theirs ?? '', ours ?? '')
  if (recorded.write !== undefined && attestation.write === undefined && attestsContent(attestation)) {
    throw differs(sink, stored.key, 'another program than lifeboat wrote it')
  }
  return 'size'
}

const CHECKSUMS = ['SHA256', 'CRC64NVME', 'CRC32'] as const

/** Both are there, and of the same bytes they would be the same. */
function areAlike(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && partsOf(one) === partsOf(other)
}

/** The place knows objects as S3 does; a folder says nothing of what is in a file. */
function attestsContent(attestation: Facts): boolean {
  return attestation.ETag !== undefined || CHECKSUMS.some((name) => attestation[name] !== undefined)
}

/**
 * The SHA-256 that the place must give by our own digests, in the form that it gives: S3 hashes the hashes of the parts
 * of a multipart upload, and our parts are chunks. Undefined where the form is another one.
 */
function sha256Of({ chunks }: StoredObject, form: string | undefined): string | undefined {
  if (form === undefined) return undefined
  const parts = partsOf(form)
  const joined = createHash('sha256')
    .update(Buffer.from(chunks.join(''), 'hex'))
    .digest('base64')
  if (parts !== undefined) return parts === String(chunks.length) ? `${joined}-${parts}` : undefined
  if (chunks.length === 1) return Buffer.from(chunks[0] ?? '', 'hex').toString('base64')
  // moto leaves the number of parts out; what is not that may be a hash of the whole.
  return form === joined ? joined : undefined
}

/** `…-7` is a checksum over the checksums of 7 parts: of the same bytes in other parts it is another one. */
function partsOf(value: string): string | undefined {
  return /-(\d+)"?$/.exec(value)?.[1]
}

/** With a KMS key an ETag is no digest of the bytes: at another place, or written anew, it is another one. */
function areMd5(...facts: readonly Facts[]): boolean {
  return facts.every(({ ETag, encryption }) => {
    return /^"?[0-9a-f]{32}(-\d+)?"?$/.test(ETag ?? '') && encryption?.startsWith('aws:kms') !== true
  })
}

function incomplete(sink: Sink, key: string, reason: string): LifeboatError {
  return new LifeboatError('integrity', `unable to trust object '${key}' at ${sink.name}: ${reason}`, {
    hint: 'This backup is incomplete. Use another one: lifeboat list shows them.',
  })
}

function differs(sink: Sink, key: string, reason: string): LifeboatError {
  return new LifeboatError('integrity', `unable to trust object '${key}' at ${sink.name}: ${reason}`, {
    hint: 'Somebody wrote it after the dump: lifeboat verify --deep tells whether its bytes are still those of the dump.',
  })
}
