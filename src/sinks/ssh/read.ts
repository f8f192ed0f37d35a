import type { Stats } from 'ssh2'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import type { Range } from '../../core/sink.ts'
import type { Sftp } from './sftp.ts'

/** Every server must serve 32 KiB at once; OpenSSH serves up to 255 KiB. */
const REQUEST_BYTES = 128 * 1024
/** Requests on their way: together they fill the window of ssh2's channel, 2 MiB. */
const AHEAD = 16

/** Reads exactly the range, several requests at once: one at a time would cost a round trip each. */
export async function readRange(
  sftp: Sftp,
  path: string,
  { offset, bytes }: Range,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const handle = await sftp.call<Buffer>('read', path, (raw, done) => raw.open(path, 'r', done))
  try {
    const stats = await sftp.call<Stats>('read', path, (raw, done) => raw.fstat(handle, done))
    if (!stats.isFile()) {
      throw new LifeboatError('sink-not-found', `unable to read '${sftp.name(path)}': it is not a file`, {
        hint: 'Look at what is there (ls -ld, on that host).',
      })
    }
    if (offset + bytes > stats.size) throw tooShort(sftp.name(path), stats.size, { offset, bytes })
    const buffer = Buffer.allocUnsafe(bytes)
    let next = 0
    const worker = async () => {
      while (next < bytes) {
        throwIfAborted(signal)
        const start = next
        next = Math.min(bytes, start + REQUEST_BYTES)
        await fill(start, next)
      }
    }
    const fill = async (start: number, end: number) => {
      for (let at = start; at < end; ) {
        const from = at
        const count = await sftp.call<number>('read', path, (raw, done) =>
          raw.read(handle, buffer, from, end - from, offset + from, done),
        )
        if (count === 0) throw tooShort(sftp.name(path), offset + at, { offset, bytes })
        at += count
      }
    }
    const results = await Promise.allSettled(Array.from({ length: AHEAD }, worker))
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return buffer
  } finally {
    // Nothing hangs on its answer, and the connection may be gone: the server closes what a session leaves open.
    sftp
      .call<undefined>('close', path, (raw, done) => raw.close(handle, (thrown) => done(thrown, undefined)))
      .catch(() => undefined)
  }
}

function tooShort(name: string, size: number, { offset, bytes }: Range): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to read '${name}': it has ${size} bytes, and ${bytes} from ${offset} on were asked for`,
    { hint: 'The file was cut short after it was written: restore another backup, or a copy of this one.' },
  )
}
