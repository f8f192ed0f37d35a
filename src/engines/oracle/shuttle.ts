import type { Bytes } from '../../core/bytes.ts'
import type { Clock } from '../../core/clock.ts'
import type { EngineContext, EngineEvent } from '../../core/engine.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { CHUNK_BYTES, inChunks } from '../../core/sink.ts'
import type { OracleConnection } from './connection.ts'
import type { RunNames } from './pieces.ts'
import { downloadFromS3, openStaging, uploadToS3 } from './s3-transfer.ts'

interface Piece {
  readonly name: string
  readonly bytes: number
}

/** Pieces on their way through the bucket beside the server. What lies there is plain: `clear` removes every version. */
export interface Shuttle {
  /** From the server's directory into the bucket. */
  upload(connection: OracleConnection, pieces: readonly Piece[], signal: AbortSignal): Promise<void>
  /** Out of the bucket: exactly `bytes`, or it throws. */
  read(piece: Piece, signal: AbortSignal): Bytes
  /** Into the bucket; resolves with its length there. */
  write(name: string, input: Bytes, signal: AbortSignal): Promise<number>
  /** From the bucket into the server's directory. */
  download(connection: OracleConnection, signal: AbortSignal): Promise<void>
  clear(signal: AbortSignal): Promise<void>
}

export async function openShuttle(
  given: {
    readonly context: EngineContext
    readonly clock: Clock
    readonly directory: string
    readonly onProgress: ((event: EngineEvent) => void) | undefined
  },
  { run }: RunNames,
  signal: AbortSignal,
): Promise<Shuttle> {
  const staging = await openStaging(given.context)
  try {
    const swept = await staging.sweep(signal)
    if (swept.length > 0) {
      given.onProgress?.({
        kind: 'step',
        message: `purged ${swept.length} objects of dead runs from the bucket`,
      })
    }
  } catch (thrown) {
    if (signal.aborted) throw thrown
    given.onProgress?.({
      kind: 'warning',
      message: `what dead runs left in the bucket is still there: ${messageOf(thrown)}`,
    })
  }
  const keys = new Set<string>()
  const keyOf = (name: string) => `${run}/${name}`
  let open = true
  return {
    async upload(connection, pieces, inner) {
      // Known before they are there: a task that is cut off may have brought some of them.
      for (const { name } of pieces) keys.add(keyOf(name))
      await staging.claim([...keys])
      await uploadToS3({ ...given, connection, staging }, { prefix: `${run}_`, folder: run }, inner)
      for (const { name, bytes } of pieces) {
        const there = await staging.sink.stat(keyOf(name), inner)
        if (there?.bytes === bytes) continue
        throw new LifeboatError(
          'tool-failed',
          `unable to fetch '${name}' from the bucket: ${there?.bytes ?? 'none'} of its ${bytes} bytes are there`,
          {
            hint: 'Look at the log of the task in BDUMP and at what else writes to or expires the prefix of --staging.',
          },
        )
      }
    },
    async *read({ name, bytes }, inner) {
      for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
        const range = { offset, bytes: Math.min(CHUNK_BYTES, bytes - offset) }
        yield await staging.sink.read(keyOf(name), range, inner)
      }
    },
    async write(name, input, inner) {
      keys.add(keyOf(name))
      await staging.claim([keyOf(name)])
      const { bytes } = await staging.sink.write(keyOf(name), inChunks(input), { signal: inner })
      return bytes
    },
    async download(connection, inner) {
      await downloadFromS3({ ...given, connection, staging }, run, inner)
    },
    async clear(inner) {
      if (!open) return
      await staging.purge([...keys], inner)
      open = false
      await staging[Symbol.asyncDispose]()
    },
  }
}
