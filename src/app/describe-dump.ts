import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { layout } from '../core/backup-layout.ts'
import { collect, once } from '../core/bytes.ts'
import type { Contents } from '../core/contents.ts'
import type { DumpResult, Probe } from '../core/engine.ts'
import type { Index, Manifest } from '../core/manifest.ts'
import { CHUNK_BYTES } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import { byHandLines } from './by-hand.ts'
import type { DumpRequest } from './dump.ts'
import { writeVolumes } from './volumes.ts'
import type { Written } from './write-parts.ts'

/** What a dump has written and found, when all of its parts are stored. */
export interface Finished {
  readonly id: string
  readonly started: Date
  readonly probe: Probe
  readonly written: readonly Written[]
  readonly result: DumpResult
}

export interface Described {
  readonly manifest: Manifest
  /** As they are signed and stored. */
  readonly bytes: Uint8Array
  readonly contents: Contents
}

/** Writes contents and index, and makes the manifest that vouches for both. */
export async function describeDump(
  request: DumpRequest,
  { id, started, probe, written, result }: Finished,
  signal: AbortSignal,
): Promise<Described> {
  const { engine, sink, stages, job } = request
  const parts = written.map(({ part, name, plainSha256 }) => ({
    number: part.number,
    name,
    format: part.format,
    plainSha256,
  }))
  const contents: Contents = { ...result.contents, parts }
  const suffixes = stages.map((stage) => stage.suffix).join('')
  const storedContents = await writeSmall(
    request,
    id,
    `contents.json${suffixes}`,
    await encodeJson(contents, stages, signal),
    signal,
  )
  const index: Index = {
    format: 1,
    id,
    chunkBytes: CHUNK_BYTES,
    objects: Object.assign({}, ...written.map((part) => part.objects)),
  }
  const storedIndex = await writeSmall(request, id, 'index.json.gz', gzipSync(JSON.stringify(index)), signal)
  const manifest: Manifest = {
    format: 1,
    lifeboat: request.version,
    id,
    job,
    engine: engine.name,
    server: { flavour: probe.flavour, version: probe.serverVersion, identity: probe.identity },
    tools: [...probe.tools],
    started: started.toISOString(),
    ended: request.clock.now().toISOString(),
    consistency: result.consistency,
    counts: request.counts,
    notCaptured: [...result.notCaptured],
    ...(result.position && { position: result.position }),
    stages: stages.map(({ name, suffix, facts }) => ({ name, suffix, facts: { ...facts } })),
    parts: written.map(({ part }) => part),
    contents: storedContents,
    index: storedIndex,
    ...(request.signer && { signer: request.signer.fingerprint }),
    ...request.policy,
    ...(request.audit && { audit: request.audit }),
    byHand: byHandLines(
      sink,
      job,
      id,
      stages,
      written.map(({ part }) => part),
      storedContents.name,
    ),
  }
  return { manifest, contents, bytes: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) }
}

async function encodeJson(
  value: unknown,
  stages: readonly Stage[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const plain = Buffer.from(JSON.stringify(value))
  return collect(
    stages.reduce<AsyncIterable<Uint8Array>>((bytes, stage) => stage.encode(bytes, signal), once(plain)),
  )
}

async function writeSmall(
  request: DumpRequest,
  id: string,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
) {
  const { sink, job } = request
  // One object whatever the sink's limit, so that its name is known beforehand: 10,000 chunks are 160 GB.
  const target = {
    sink,
    name,
    key: (key: string) => layout.object(job, id, key),
    maxChunks: Number.POSITIVE_INFINITY,
  }
  const written = await writeVolumes(target, once(bytes), signal)
  return { name, bytes: written.bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}
