import type { ZodType } from 'zod'
import { isBackupId, layout } from '../core/backup-layout.ts'
import { type Bytes, collect, once } from '../core/bytes.ts'
import { LifeboatError } from '../core/errors.ts'
import type { SignatureTrust, SignedBy, Signer } from '../core/signing.ts'
import { inChunks, type Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import { parseStored } from './catalog.ts'
import { checkSignatureAt } from './signature.ts'

/** Far more than any record has. */
const RECORD_BYTES = 256 * 1024 * 1024

/** One kind of records of jobs that hold secrets: compressed, encrypted, signed, each an object of its own. */
export interface RecordKind<T> {
  /** `inventory`: as people call one. */
  readonly noun: string
  /** `lifeboat inventory --source …`: what makes one. */
  readonly madeBy: string
  readonly schema: ZodType<T>
  readonly key: (job: string, id: string, suffixes: string) => string
  readonly folder: (job: string) => string
}

export interface RecordName {
  readonly job: string
  readonly id: string
  readonly key: string
  readonly bytes: number
}

export interface SealedBytes {
  readonly key: string
  readonly bytes: Uint8Array
  readonly signature: Uint8Array | undefined
}

/** Encodes and signs a record once, for however many places. */
export async function sealRecord<T extends { readonly job: string; readonly id: string }>(
  kind: RecordKind<T>,
  record: T,
  { stages, signer }: { readonly stages: readonly Stage[]; readonly signer: Signer | undefined },
  signal: AbortSignal,
): Promise<SealedBytes> {
  const plain = Buffer.from(`${JSON.stringify(record, null, 2)}\n`)
  const encoded = stages.reduce<Bytes>((input, stage) => stage.encode(input, signal), once(plain))
  const bytes = await collect(encoded)
  const signature = await signer?.sign(bytes, signal)
  return {
    key: kind.key(record.job, record.id, stages.map(({ suffix }) => suffix).join('')),
    bytes,
    signature,
  }
}

/** Signature first: a signed record is never seen without it. */
export async function storeSealed(
  sink: Sink,
  { key, bytes, signature }: SealedBytes,
  signal: AbortSignal,
): Promise<void> {
  if (signature !== undefined) await sink.write(layout.sealed(key), once(signature), { signal })
  await sink.write(key, inChunks(once(bytes)), { ifAbsent: sink.traits.exclusiveCreate, signal })
}

/** Job and id of every record at a sink, oldest first; none of them is read. */
export async function listRecords<T>(
  sink: Sink,
  kind: RecordKind<T>,
  job: string | undefined,
  signal: AbortSignal,
): Promise<readonly RecordName[]> {
  const names: RecordName[] = []
  for await (const { key, bytes } of sink.list(job === undefined ? '' : kind.folder(job), signal)) {
    const [, name, id] = /^([^/]+)\/[^/]+\/([^/]+?)\.json(?:\.[a-z]+)*$/.exec(key) ?? []
    if (name === undefined || id === undefined || !isBackupId(id)) continue
    if (stagesOf(key) !== undefined && key.startsWith(kind.folder(name)))
      names.push({ job: name, id, key, bytes })
  }
  return names.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.job < b.job ? -1 : 1))
}

/** The record that the operator means: a given one, or the newest (undefined and `latest` alike). */
export async function findRecord<T>(
  sink: Sink,
  kind: RecordKind<T>,
  { job, id }: { readonly job: string | undefined; readonly id: string | undefined },
  signal: AbortSignal,
): Promise<RecordName> {
  const named = id !== undefined && id !== 'latest'
  if (named && !isBackupId(id)) {
    throw new LifeboatError(
      'usage',
      `unable to use ${kind.noun} '${id}': ids look like 20261122T210500Z-k3f9`,
      {
        hint: 'Copy one from what made it, or leave it out to take the newest.',
      },
    )
  }
  const names = await listRecords(sink, kind, job, signal)
  const found = named ? names.find((name) => name.id === id) : names.at(-1)
  if (found !== undefined) return found
  const what = named ? `${kind.noun} '${id}'` : `a ${kind.noun}`
  const of = job === undefined ? '' : ` of '${job}'`
  const others = job === undefined ? [] : await listRecords(sink, kind, undefined, signal)
  const jobs = [...new Set(others.map((other) => other.job))].sort()
  throw new LifeboatError('sink-not-found', `unable to find ${what}${of} at ${sink.name}: there is none`, {
    hint:
      jobs.length > 0
        ? `There are some of others: name one with --job (${jobs.join(', ')}).`
        : `Check the sink URL, its path or prefix above all; ${kind.madeBy} makes one.`,
  })
}

export interface OpenedRecord<T> extends RecordName {
  readonly record: T
  /** Where signers are trusted. */
  readonly signedBy: SignedBy | undefined
}

export interface RecordAccess {
  readonly trust?: SignatureTrust | undefined
  /** Undoes the stages of these names, in the order of their application. */
  decoders(names: readonly string[], what: string): Promise<readonly Stage[]>
}

/** Its signature is checked before anything is decoded; that it is the one of its path, before anything of it is believed. */
export async function openRecord<T extends { readonly job: string; readonly id: string }>(
  sink: Sink,
  kind: RecordKind<T>,
  name: RecordName,
  { trust, decoders }: RecordAccess,
  signal: AbortSignal,
): Promise<OpenedRecord<T>> {
  const { key, id, job } = name
  const what = `${kind.noun} '${id}' of '${job}'`
  const bytes = await readSealed(sink, kind, name, signal)
  const signature = { key: layout.sealed(key), what, kind: kind.noun, bytes }
  const signedBy =
    trust === undefined ? undefined : await checkSignatureAt(sink, { ...signature, trust }, signal)
  const stages = await decoders(stagesOf(key) ?? [], what)
  const plain = await collect(
    stages.reduceRight<Bytes>((input, stage) => stage.decode(input, signal), inChunks(once(bytes))),
  )
  const record = parse(sink, kind, key, plain)
  if (record.id !== id || record.job !== job) {
    throw new LifeboatError(
      'integrity',
      `unable to trust ${what} at ${sink.name}: it says that it is '${record.job}/${record.id}'`,
      { hint: `Somebody has renamed it. Use another ${kind.noun}.` },
    )
  }
  return { ...name, record, signedBy }
}

function parse<T>(sink: Sink, { noun, schema }: RecordKind<T>, key: string, plain: Uint8Array): T {
  try {
    return parseStored(sink, key, plain, schema)
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError) || thrown.code !== 'integrity') throw thrown
    throw new LifeboatError('integrity', thrown.message, {
      hint: `This ${noun} is damaged. Use another one, or a copy of it.`,
    })
  }
}

/** As it is stored, and its signature where it has one: for a copy elsewhere. */
export async function copySealed<T>(
  sink: Sink,
  kind: RecordKind<T>,
  name: RecordName,
  trust: SignatureTrust | undefined,
  signal: AbortSignal,
): Promise<SealedBytes> {
  const bytes = await readSealed(sink, kind, name, signal)
  const key = layout.sealed(name.key)
  if (trust !== undefined) {
    const what = `${kind.noun} '${name.id}' of '${name.job}'`
    await checkSignatureAt(sink, { key, what, kind: kind.noun, bytes, trust }, signal)
  }
  const info = await sink.stat(key, signal)
  const signature =
    info === undefined ? undefined : await sink.read(key, { offset: 0, bytes: info.bytes }, signal)
  return { key: name.key, bytes, signature }
}

async function readSealed<T>(
  sink: Sink,
  { noun }: RecordKind<T>,
  { key, bytes, id }: RecordName,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (bytes > RECORD_BYTES) {
    throw new LifeboatError(
      'integrity',
      `unable to trust ${noun} '${id}' at ${sink.name}: it has ${bytes} bytes`,
      {
        hint: `Use another ${noun}.`,
      },
    )
  }
  return sink.read(key, { offset: 0, bytes }, signal)
}

const STAGES: Readonly<Record<string, string>> = { gz: 'gzip', pgp: 'openpgp' }

/** Names of the stages that the suffixes stand for, in the order of their application; undefined for another object. */
function stagesOf(key: string): readonly string[] | undefined {
  const suffixes = /\.json((?:\.[a-z]+)*)$/.exec(key)?.[1]
  const names = suffixes
    ?.split('.')
    .slice(1)
    .map((suffix) => STAGES[suffix])
  return names?.every((name) => name !== undefined) === true ? (names as readonly string[]) : undefined
}
