import type { ClientChannel, Stats } from 'ssh2'
import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { newTempName } from '../../core/object-key.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import type { WriteOptions } from '../../core/sink.ts'
import type { Slots } from '../../core/slots.ts'
import { untilAborted } from '../../core/until-aborted.ts'
import { commandError, endCommand, runCommand, shLine } from './command.ts'
import { commitScript, EXISTS, fillScript, IS_FOLDER } from './scripts.ts'
import type { SshSession, SshSessions } from './session.ts'
import type { Sftp } from './sftp.ts'
import type { SshTimeouts } from './url.ts'

export interface RemotePlace {
  readonly sessions: SshSessions
  readonly root: string
  readonly timeouts: SshTimeouts
  /** As many as a server lets one connection have commands at once. */
  readonly slots: Slots
  /** As the user knows it. */
  name(path: string): string
  sftp(session: SshSession, signal: AbortSignal): Sftp
}

/** How long a commit that is on its way may still answer after the caller gave up. */
const COMMIT_GRACE_MS = 5_000
const CLEANUP_MS = 5_000
const END_GRACE_MS = 2_000

/**
 * `cat` to a temp name, then a look at its size, then the rename in a request of its own: a remote
 * `cat > temp && mv temp name` would commit what it has when the connection dies.
 */
export async function writeRemoteFile(
  place: RemotePlace,
  path: string,
  body: Bytes,
  { ifAbsent = false, signal }: WriteOptions,
): Promise<Stats> {
  throwIfAborted(signal)
  const session = await place.sessions.current(signal)
  const folder = path.slice(0, path.lastIndexOf('/'))
  const temp = `${folder}/${newTempName(path.slice(folder.length + 1))}`
  try {
    const sftp = place.sftp(session, signal)
    const standing = await sftp.lstat(path)
    if (standing?.isDirectory() === true) throw isFolder(place.name(path))
    if (ifAbsent && standing !== undefined) throw exists(place.name(path))
    const bytes = await place.slots.run(() => fill(place, session, temp, path, body, signal), signal)
    const stored = (await sftp.lstat(temp))?.size
    if (stored !== bytes) {
      throw new LifeboatError(
        'integrity',
        `unable to write '${place.name(path)}': ${bytes} bytes were sent, ${stored ?? 'none'} arrived`,
        { hint: 'Nothing of it was kept; look at that host (dmesg | tail; df -h), then run again.' },
      )
    }
    return await commit(place, { temp, path, bytes, ifAbsent }, signal)
  } catch (thrown) {
    await discard(place, temp, folder)
    throw thrown
  }
}

/** Returns the bytes sent. */
async function fill(
  place: RemotePlace,
  session: SshSession,
  temp: string,
  path: string,
  body: Bytes,
  signal: AbortSignal,
): Promise<number> {
  const { stallMs, syncMs } = place.timeouts
  const what = `write '${place.name(path)}'`
  const command = await session.exec(shLine(fillScript(place.root, temp)), signal)
  const { channel, exit } = command
  // A write to a channel that was closed never calls back, so whatever ends the channel ends the waiting.
  const ended = new AbortController()
  exit.then((result) => ended.abort(commandError('write', place.name(path), result)))
  const both = AbortSignal.any([signal, session.lost, ended.signal])
  try {
    let bytes = 0
    for await (const piece of untilAborted(body, both)) {
      await session.answer(what, send(channel, piece), stallMs, both)
      bytes += piece.length
    }
    throwIfAborted(signal)
    channel.end()
    const result = await session.answer(what, exit, syncMs, signal)
    if (result.code !== 0) throw commandError('write', place.name(path), result)
    return bytes
  } catch (thrown) {
    if (!session.lost.aborted) await endCommand(command, END_GRACE_MS)
    throw thrown
  }
}

function send(channel: ClientChannel, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.write(piece, (thrown) => (thrown == null ? resolve() : reject(thrown)))
  })
}

interface Pending {
  readonly temp: string
  readonly path: string
  readonly bytes: number
  readonly ifAbsent: boolean
}

/**
 * The script may run twice with the same result, so an answer that was lost with the connection is asked for again
 * over a new one. What was sent may take effect whatever the caller wants by then: its answer is waited for, a little.
 */
async function commit(place: RemotePlace, pending: Pending, signal: AbortSignal): Promise<Stats> {
  const name = place.name(pending.path)
  const patient = withGrace(signal, COMMIT_GRACE_MS)
  const attempt = async (): Promise<Stats | undefined> => {
    const session = await place.sessions.current(patient.signal)
    try {
      return await commitOnce(place, session, pending, patient.signal)
    } catch (thrown) {
      if (session.lost.aborted && !signal.aborted) return undefined
      throw thrown
    }
  }
  try {
    const stats = await place.slots.run(async () => (await attempt()) ?? (await attempt()), signal)
    if (stats !== undefined) return stats
  } finally {
    patient.stop()
  }
  const message = `unable to learn whether '${name}' was written: the connection broke twice`
  throw new LifeboatError('sink-unavailable', message, {
    hint: 'It is there whole or not at all; lifeboat list shows which once the host can be reached.',
  })
}

/** Undefined where the command was cut off before it told its end. */
async function commitOnce(
  place: RemotePlace,
  session: SshSession,
  pending: Pending,
  signal: AbortSignal,
): Promise<Stats | undefined> {
  const name = place.name(pending.path)
  const script = commitScript(place.root, pending)
  const exit = await runCommand(session, `commit '${name}'`, script, place.timeouts.syncMs, signal)
  if (exit.code === undefined && exit.signal === undefined) return undefined
  if (exit.code === EXISTS) throw exists(name)
  if (exit.code === IS_FOLDER) throw isFolder(name)
  if (exit.code !== 0) throw commandError('commit', name, exit)
  const stats = await place.sftp(session, signal).lstat(pending.path)
  if (stats?.size === pending.bytes) return stats
  const found = stats === undefined ? 'it vanished' : `it had ${stats.size} bytes, not ${pending.bytes},`
  throw new LifeboatError('integrity', `unable to write '${name}': ${found} right after`, {
    hint: 'Something else changes files there: stop it, or write to another sink.',
  })
}

/** A signal that follows another one after a while. */
function withGrace(signal: AbortSignal, graceMs: number): { readonly signal: AbortSignal; stop(): void } {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => {
    timer = setTimeout(() => late.abort(signal.reason), graceMs)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: late.signal,
    stop() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}

/** Removes the temp name and the folders made for it, if the host can be reached within a moment. */
async function discard(place: RemotePlace, temp: string, folder: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEANUP_MS)
  try {
    const sftp = place.sftp(await place.sessions.current(signal), signal)
    await sftp.unlink(temp)
    await sftp.removeEmptyFolders(place.root, folder)
  } catch {
    // The failure that led here is the one to tell; what could not be removed now a sweep removes.
  }
}

function exists(name: string): LifeboatError {
  return new LifeboatError('sink-exists', `unable to create '${name}': it exists already`, {
    hint: 'Another run wrote it; look at what is there before anything is written again.',
  })
}

function isFolder(name: string): LifeboatError {
  return new LifeboatError(
    'sink-denied',
    `unable to write '${name}': a folder stands where the object must be`,
    {
      hint: `Move that folder away (ls -ld ${shellQuote(name.slice(name.indexOf('/', 6)))}, on that host).`,
    },
  )
}
