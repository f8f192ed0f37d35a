import { layout } from '../core/backup-layout.ts'
import type { Dump, Part } from '../core/engine.ts'
import type { Index, StoredPart } from '../core/manifest.ts'
import { createMeter } from '../core/meter.ts'
import { runPipeline } from '../core/pipeline.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import type { OnEvent } from './run-event.ts'
import { withStallTimeout } from './stall-timeout.ts'
import { writeVolumes } from './volumes.ts'

export interface PartsTarget {
  readonly sink: Sink
  readonly stages: readonly Stage[]
  readonly job: string
  /** Parts that are dumped at once. */
  readonly jobs: number
  readonly stallTimeoutMs: number
  /** Most chunks of a volume, where less than the sink allows: the backup is to be copied to a place with less. */
  readonly maxChunks?: number
  readonly onEvent: OnEvent
}

export interface Written {
  readonly part: StoredPart
  readonly name: string
  readonly plainSha256: string
  readonly objects: Index['objects']
}

/** Parts are started in order, `jobs` at once; the first failure stops the rest, and none runs on when this settles. */
export async function writeParts(
  request: PartsTarget,
  id: string,
  dump: Dump,
  signal: AbortSignal,
): Promise<readonly Written[]> {
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const running = new Set<Promise<void>>()
  const written: Written[] = []
  const totals = { plainBytes: 0, storedBytes: 0 }
  let number = 0
  let failure: { readonly thrown: unknown } | undefined
  const stop = (thrown: unknown) => {
    failure ??= { thrown }
    failed.abort(thrown)
  }
  try {
    for await (const part of dump.parts) {
      if (running.size >= request.jobs) await Promise.race(running)
      if (failure !== undefined) {
        await part.release()
        break
      }
      begin(part)
    }
  } catch (thrown) {
    stop(thrown)
  }
  await Promise.all(running)
  if (failure !== undefined) throw failure.thrown
  return written

  function begin(part: Part): void {
    const own = ++number
    const work: Promise<void> = writePart(request, id, own, part, totals, both)
      .then((result) => {
        written[own - 1] = result
      }, stop)
      .finally(() => running.delete(work))
    running.add(work)
  }
}

async function writePart(
  request: PartsTarget,
  id: string,
  number: number,
  part: Part,
  totals: { plainBytes: number; storedBytes: number },
  signal: AbortSignal,
): Promise<Written> {
  const { sink, stages, job, onEvent } = request
  const { estimateBytes } = part
  onEvent({
    kind: 'part-started',
    number,
    name: part.name,
    ...(estimateBytes !== undefined && { estimateBytes }),
  })
  const meter = createMeter((bytes) => {
    totals.plainBytes += bytes
    onEvent({ kind: 'progress', ...totals })
  })
  let closed: Promise<unknown> | undefined
  const name = `${String(number).padStart(4, '0')}.${part.format}${stages.map((stage) => stage.suffix).join('')}`
  try {
    const stored = await runPipeline(
      (inner) =>
        withStallTimeout(
          part.open(inner),
          `the dump of '${part.name}'`,
          request.stallTimeoutMs,
          (closing) => {
            closed = closing
          },
        ),
      [
        (input) => meter.through(input),
        ...stages.map(
          (stage) => (input: AsyncIterable<Uint8Array>, inner: AbortSignal) => stage.encode(input, inner),
        ),
      ],
      (input, inner) =>
        writeVolumes(
          {
            sink,
            name,
            key: (volume) => layout.object(job, id, volume),
            maxChunks: Math.min(sink.traits.maxChunks, request.maxChunks ?? Number.POSITIVE_INFINITY),
            onBytes: (bytes) => {
              totals.storedBytes += bytes
              onEvent({ kind: 'progress', ...totals })
            },
          },
          input,
          inner,
        ),
      signal,
    )
    const plain = meter.result()
    onEvent({ kind: 'part-ended', number, plainBytes: plain.bytes })
    return {
      name: part.name,
      plainSha256: plain.sha256,
      objects: stored.objects,
      part: {
        number,
        format: part.format,
        volumes: [...stored.volumes],
        plainBytes: plain.bytes,
        storedBytes: stored.bytes,
      },
    }
  } finally {
    // A source that hung was aborted by now; what it holds (a tool, its password file) must go before the run ends.
    await closed
    await part.release()
  }
}
