import type { Bytes } from '../core/bytes.ts'
import type { Contents } from '../core/contents.ts'
import type { PartSource } from '../core/engine.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Index, Manifest, StoredPart } from '../core/manifest.ts'
import { createMeter } from '../core/meter.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import { storedObjects } from './catalog.ts'
import type { OnEvent } from './run-event.ts'
import { decodeAll, readVerified } from './stored-object.ts'

/** The parts of a backup for an engine to read; `whole` are those that it has read to their proven end. */
export interface StoredPartSource extends PartSource {
  readonly whole: ReadonlySet<string>
}

export function createPartSource(from: {
  readonly sink: Sink
  readonly onEvent: OnEvent
  readonly manifest: Manifest
  readonly index: Index
  readonly contents: Contents
  readonly decoders: readonly Stage[]
}): StoredPartSource {
  const { sink, manifest, index, contents, decoders, onEvent } = from
  const whole = new Set<string>()
  const totals = { plainBytes: 0, storedBytes: 0 }
  const named = new Map(contents.parts.map((part) => [part.name, part.number]))
  const byNumber = new Map(manifest.parts.map((part) => [part.number, part]))

  function stored(name: string): StoredPart {
    const part = byNumber.get(named.get(name) ?? 0)
    if (part === undefined) throw new Error(`the backup has no part '${name}'`)
    return part
  }

  async function* open(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const part = stored(name)
    onEvent({
      kind: 'part-started',
      number: part.number,
      parts: manifest.parts.length,
      name,
      estimateBytes: part.plainBytes,
    })
    const onBytes = (bytes: number) => {
      totals.plainBytes += bytes
      onEvent({ kind: 'progress', ...totals })
    }
    async function* read(): AsyncGenerator<Uint8Array> {
      for await (const piece of readVerified(sink, objectsOf(manifest, index, part), signal)) {
        totals.storedBytes += piece.length
        yield piece
      }
    }
    yield* checkPlain(decodeAll(read(), decoders, signal), plainOf(part, contents), `part '${name}'`, onBytes)
    whole.add(name)
    onEvent({ kind: 'part-ended', number: part.number, plainBytes: part.plainBytes })
  }

  const { flavour, version } = manifest.server
  return {
    contents,
    server: { flavour, version },
    parts: contents.parts.map(({ name, format }) => ({ name, format, plainBytes: stored(name).plainBytes })),
    open,
    whole,
  }
}

/** What a part must decode to. readContents has made sure that manifest and contents name the same parts. */
export function plainOf({ number, plainBytes }: StoredPart, contents: Contents) {
  const part = contents.parts.find((other) => other.number === number)
  if (part === undefined) throw new Error(`the contents don't name part ${number}`)
  return { plainBytes, plainSha256: part.plainSha256 }
}

/** The stream ends only if its plain bytes are those of the dump: a throw here is an end that never comes. */
export async function* checkPlain(
  input: Bytes,
  expected: { readonly plainBytes: number; readonly plainSha256: string },
  what: string,
  onBytes?: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const meter = createMeter(onBytes)
  yield* meter.through(input)
  const { bytes, sha256 } = meter.result()
  if (bytes === expected.plainBytes && sha256 === expected.plainSha256) return
  throw new LifeboatError(
    'integrity',
    `unable to trust ${what}: it decodes to ${bytes} bytes that differ from the ${expected.plainBytes} that were dumped`,
    {
      hint: 'Do not use what was restored. Use another backup: lifeboat list shows them.',
    },
  )
}

export function objectsOf(manifest: Manifest, index: Index, part: StoredPart) {
  return storedObjects(
    manifest,
    index,
    part.volumes.map((volume) => volume.name),
  )
}
