import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import type { ZodType } from 'zod'
import { backupIdFromKey, isBackupId, layout } from '../core/backup-layout.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { type Index, indexSchema, type Manifest, manifestSchema } from '../core/manifest.ts'
import type { SignatureTrust, SignedBy } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { OnEvent } from './run-event.ts'
import { checkSignature } from './signature.ts'
import { readWhole, type StoredObject } from './stored-object.ts'

/** No honest manifest comes near this: a larger one is not read into memory. */
const MANIFEST_BYTES = 64 * 1024 * 1024

export interface CatalogEntry {
  readonly job: string
  readonly id: string
  readonly manifest?: Manifest
  /** Where signers are trusted. */
  readonly signedBy?: SignedBy
  /** Why the manifest can't be used, where it can't. */
  readonly problem?: string
  /** False where it is its signature that is missing or wrong. */
  readonly trusted?: boolean
}

/** All backups at a sink, oldest first: what has no manifest is not a backup. Damaged manifests are listed as such. */
export async function listBackups(
  sink: Sink,
  job: string | undefined,
  signal: AbortSignal,
  trust?: SignatureTrust,
): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = []
  for (const { job: name, id } of await listNames(sink, job, signal)) {
    try {
      const { manifest, signedBy } = await readSigned(sink, name, id, signal, trust)
      entries.push({ job: name, id, manifest, ...(signedBy !== undefined && { signedBy }) })
    } catch (thrown) {
      if (!(thrown instanceof LifeboatError)) throw thrown
      // Somebody removed it since it was listed.
      if (thrown.code === 'sink-not-found' && (await isGone(sink, name, id, signal))) continue
      if (!/^(integrity|signature)$/.test(thrown.code)) throw thrown
      entries.push({ job: name, id, problem: messageOf(thrown), trusted: thrown.code !== 'signature' })
    }
  }
  return entries
}

async function isGone(sink: Sink, job: string, id: string, signal: AbortSignal): Promise<boolean> {
  return (await sink.stat(layout.manifest(job, id), signal)) === undefined
}

/** Job and id of every manifest at a sink, oldest first; none of them is read. */
export async function listNames(
  sink: Sink,
  job: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly job: string; readonly id: string }[]> {
  const names: { readonly job: string; readonly id: string }[] = []
  for await (const { key } of sink.list(job === undefined ? '' : layout.backups(job), signal)) {
    const [, name] = /^([^/]+)\/backups\/[^/]+\.json$/.exec(key) ?? []
    const id = backupIdFromKey(key)
    if (name !== undefined && id !== undefined) names.push({ job: name, id })
  }
  return names.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.job < b.job ? -1 : 1))
}

/** The id that the operator means: a given one, or the newest of the job (undefined and `latest` alike). */
export async function resolveBackupId(
  sink: Sink,
  job: string,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (wanted !== undefined && wanted !== 'latest') {
    if (isBackupId(wanted)) return wanted
    throw new LifeboatError(
      'usage',
      `unable to use backup id '${wanted}': ids look like 20261122T210500Z-k3f9`,
      {
        hint: 'Copy one from: lifeboat list, or leave it out to take the newest.',
      },
    )
  }
  let newest: string | undefined
  for await (const info of sink.list(layout.backups(job), signal)) {
    const id = backupIdFromKey(info.key)
    if (id !== undefined && info.key === layout.manifest(job, id) && (newest === undefined || id > newest))
      newest = id
  }
  if (newest !== undefined) return newest
  throw await noBackup(sink, `unable to find a backup of job '${job}' at ${sink.name}`, job, signal)
}

async function noBackup(
  sink: Sink,
  message: string,
  job: string,
  signal: AbortSignal,
): Promise<LifeboatError> {
  const jobs = new Set<string>()
  for await (const info of sink.list('', signal)) {
    const found = /^([^/]+)\/backups\//.exec(info.key)
    if (found?.[1] !== undefined && found[1] !== job) jobs.add(found[1])
  }
  const hint =
    jobs.size === 0
      ? 'Check the sink URL, its path or prefix above all; nothing there was written by lifeboat.'
      : `Other jobs are there: name one with --job (${[...jobs].sort().join(', ')}).`
  return new LifeboatError('sink-not-found', message, { hint })
}

/**
 * Reads and checks a manifest. Its id and job must be those of its path, so that no backup can pose as another; where
 * signers are trusted, one of them must have signed these very bytes, or the throw is `signature`.
 */
export async function readManifest(
  sink: Sink,
  job: string,
  id: string,
  signal: AbortSignal,
  trust?: SignatureTrust,
): Promise<Manifest> {
  return (await readSigned(sink, job, id, signal, trust)).manifest
}

export interface SignedManifest {
  readonly manifest: Manifest
  /** Of its very bytes. */
  readonly sha256: string
  /** Undefined where nobody's signature was asked for. */
  readonly signedBy: SignedBy | undefined
  /** What the manifest says of itself, unproven: it names a signer, and there is no signature. */
  readonly lostSignature: boolean
}

/** For whoever goes on to use the backup: a signature that has gone is told, where none was demanded. */
export async function readTrusted(
  request: {
    readonly sink: Sink
    readonly job: string
    readonly trust?: SignatureTrust
    readonly onEvent: OnEvent
  },
  id: string,
  signal: AbortSignal,
): Promise<SignedManifest> {
  const signed = await readSigned(request.sink, request.job, id, signal, request.trust)
  if (signed.lostSignature) {
    request.onEvent({
      kind: 'warning',
      message: `backup ${id} says that ${signed.manifest.signer} signed it, but its signature is gone`,
      hint: 'somebody may have altered it; --signer FILE demands the signature',
    })
  }
  return signed
}

/** The manifest, and who vouches for it. */
export async function readSigned(
  sink: Sink,
  job: string,
  id: string,
  signal: AbortSignal,
  trust?: SignatureTrust,
): Promise<SignedManifest> {
  const key = layout.manifest(job, id)
  const info = await sink.stat(key, signal)
  if (info === undefined) {
    throw await noBackup(sink, `unable to find backup '${id}' of job '${job}' at ${sink.name}`, job, signal)
  }
  if (info.bytes > MANIFEST_BYTES) throw damaged(sink, key, `it has ${info.bytes} bytes`)
  const bytes = await sink.read(key, { offset: 0, bytes: info.bytes }, signal)
  // Before anything in it is believed.
  const signedBy =
    trust === undefined ? undefined : await checkSignature(sink, { job, id, bytes, trust }, signal)
  const manifest = parse(sink, key, bytes, manifestSchema)
  if (manifest.id !== id || manifest.job !== job) {
    throw damaged(sink, key, `it says that it is '${manifest.job}/${manifest.id}'`)
  }
  const lostSignature =
    trust === undefined &&
    manifest.signer !== undefined &&
    (await sink.stat(layout.signature(job, id), signal)) === undefined
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { manifest, sha256, signedBy, lostSignature }
}

export async function readIndex(sink: Sink, manifest: Manifest, signal: AbortSignal): Promise<Index> {
  const key = layout.object(manifest.job, manifest.id, manifest.index.name)
  const stored = await readWhole(sink, key, manifest.index, signal)
  const index = parse(sink, key, unzip(sink, key, stored), indexSchema)
  if (index.id !== manifest.id) throw damaged(sink, key, `it says that it is of '${index.id}'`)
  return index
}

/** The stored volumes of one part (or the contents), with their digests out of the index. */
export function storedObjects(manifest: Manifest, index: Index, names: readonly string[]): StoredObject[] {
  return names.map((name) => {
    const entry = index.objects[name]
    if (entry === undefined) {
      throw new LifeboatError(
        'integrity',
        `unable to trust backup '${manifest.id}': its index lacks '${name}'`,
        {
          hint: 'This backup is damaged. Use another one: lifeboat list shows them.',
        },
      )
    }
    return {
      name,
      key: layout.object(manifest.job, manifest.id, name),
      bytes: entry.bytes,
      chunks: entry.chunks,
    }
  })
}

export function parseStored<T>(sink: Sink, key: string, bytes: Uint8Array, schema: ZodType<T>): T {
  return parse(sink, key, bytes, schema)
}

function parse<T>(sink: Sink, key: string, bytes: Uint8Array, schema: ZodType<T>): T {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (thrown) {
    throw damaged(sink, key, `it is not JSON (${messageOf(thrown)})`)
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue?.path[0] === 'format' && typeof (json as { format?: unknown }).format === 'number') {
    throw new LifeboatError(
      'unsupported',
      `unable to read object '${key}' at ${sink.name}: its format is newer than this lifeboat`,
      {
        hint: 'Update lifeboat, or restore by hand as docs/format.md says.',
      },
    )
  }
  throw damaged(sink, key, `field '${issue?.path.join('.')}': ${issue?.message}`)
}

function unzip(sink: Sink, key: string, stored: Uint8Array): Uint8Array {
  try {
    return gunzipSync(stored)
  } catch (thrown) {
    throw damaged(sink, key, messageOf(thrown))
  }
}

function damaged(sink: Sink, key: string, reason: string): LifeboatError {
  return new LifeboatError('integrity', `unable to trust object '${key}' at ${sink.name}: ${reason}`, {
    hint: 'This backup is damaged. Use another one: lifeboat list shows them.',
  })
}
