import { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { abortReason, LifeboatError } from '../../core/errors.ts'
import type { Range } from '../../core/sink.ts'
import { explainS3Failure } from './explain.ts'
import type { Place } from './place.ts'
import { statObject } from './stat.ts'

/** Exactly the range, or throws. */
export async function readRange(
  place: Place,
  key: string,
  { offset, bytes }: Range,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const deed = { verb: 'read', noun: 'object', name: key } as const
  // HTTP has no empty range.
  if (bytes === 0) return readNothing(place, key, offset, signal)
  const answer = await place.call(deed, signal, (client, options) =>
    client.send(
      new GetObjectCommand({ ...place.at(key), Range: `bytes=${offset}-${offset + bytes - 1}` }),
      options,
    ),
  )
  const { Body: body } = answer
  if (!(body instanceof Readable)) throw new Error('the SDK gave a body that is not a stream of Node')
  if (answer.ContentRange === undefined && (answer.ContentLength ?? 0) > bytes) {
    body.destroy()
    throw new LifeboatError('unsupported', `unable to read object '${key}': the place ignores ranges`, {
      hint: 'Fetch the objects with another tool (the manifest says how), and restore from a folder.',
    })
  }
  const began = /^bytes (\d+)-/.exec(answer.ContentRange ?? '')?.[1] ?? '0'
  if (Number(began) !== offset || answer.ContentLength !== bytes) {
    body.destroy()
    throw tooShort(key, offset, bytes, `the place gave ${answer.ContentLength} bytes from ${began}`)
  }
  const onAbort = () => void body.destroy(abortReason(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  const range = Buffer.allocUnsafeSlow(bytes)
  let used = 0
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      used += piece.copy(range, used)
    }
  } catch (thrown) {
    throw signal.aborted ? abortReason(signal) : explainS3Failure(thrown, deed, place.location)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  if (used !== bytes) throw tooShort(key, offset, bytes, `only ${used} bytes came`)
  return range
}

async function readNothing(
  place: Place,
  key: string,
  offset: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stored = await statObject(place, key, signal)
  if (stored === undefined) {
    throw new LifeboatError('sink-not-found', `unable to read object '${key}': there is no such object`, {
      hint: 'List what there is, and check the prefix in the sink URL.',
    })
  }
  if (offset > stored.info.bytes) throw tooShort(key, offset, 0, `it has ${stored.info.bytes} bytes`)
  return new Uint8Array(0)
}

function tooShort(key: string, offset: number, bytes: number, reason: string): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to read ${bytes} bytes at ${offset} of object '${key}': ${reason}`,
    {
      hint: 'The stored object is not what the manifest says: use another backup, and keep this one for a look.',
    },
  )
}
