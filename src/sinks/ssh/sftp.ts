import type { FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { inKeyOrder, mayHold, prefixFolder } from '../../core/object-key.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import type { SshSession } from './session.ts'

/** draft-ietf-secsh-filexfer-02, section 7. */
const NO_SUCH_FILE = 2
const PERMISSION_DENIED = 3
const FAILURE = 4

/** Every request of SFTP with an answer that is waited for no longer than the session allows. */
export interface Sftp {
  /** The name as the user knows it, for messages. */
  readonly name: (path: string) => string
  call<T>(action: string, path: string, request: (sftp: SFTPWrapper, done: Done<T>) => void): Promise<T>
  /** Undefined for what is not there. */
  lstat(path: string): Promise<Stats | undefined>
  /** False where there was nothing. */
  unlink(path: string): Promise<boolean>
  removeEmptyFolders(root: string, path: string): Promise<void>
}

type Done<T> = (thrown: Error | null | undefined, result: T) => void

export function createSftp(
  session: SshSession,
  name: (path: string) => string,
  stallMs: number,
  signal: AbortSignal,
): Sftp {
  async function call<T>(
    action: string,
    path: string,
    request: (sftp: SFTPWrapper, done: Done<T>) => void,
  ): Promise<T> {
    const result = new Promise<T>((resolve, reject) => {
      request(session.sftp, (thrown, value) => (thrown == null ? resolve(value) : reject(thrown)))
    })
    try {
      return await session.answer(`${action} '${name(path)}'`, result, stallMs, signal)
    } catch (thrown) {
      throw sftpError(action, name(path), path, thrown)
    }
  }

  async function ifAny<T>(promise: Promise<T>): Promise<T | undefined> {
    try {
      return await promise
    } catch (thrown) {
      if (thrown instanceof LifeboatError && thrown.code === 'sink-not-found') return undefined
      throw thrown
    }
  }

  return {
    name,
    call,
    lstat: (path) => ifAny(call<Stats>('look at', path, (sftp, done) => sftp.lstat(path, done))),
    async unlink(path) {
      const gone = ifAny(
        call<true>('delete', path, (sftp, done) => sftp.unlink(path, (thrown) => done(thrown, true))),
      )
      return (await gone) === true
    },
    async removeEmptyFolders(root, path) {
      for (let folder = path; folder !== root && folder.startsWith(`${root}/`); ) {
        try {
          const current = folder
          await call<undefined>('remove folder', current, (sftp, done) =>
            sftp.rmdir(current, (thrown) => done(thrown, undefined)),
          )
        } catch (thrown) {
          // Version 3 of SFTP has no code for "not empty": a plain failure is what servers say.
          if (statusOf(thrown) === FAILURE || statusOf(thrown) === NO_SUCH_FILE) return
          throw thrown
        }
        folder = folder.slice(0, folder.lastIndexOf('/'))
      }
    },
  }
}

export interface FoundFile {
  /** Its folder's key with a slash; empty at the root. */
  readonly folder: string
  readonly name: string
  readonly bytes: number
  readonly modified: Date
}

/** All regular files whose folder may hold the prefix, in the order of their keys. Links are not followed. */
export async function* walkFiles(
  sftp: Sftp,
  root: string,
  prefix: string,
  signal: AbortSignal,
): AsyncGenerator<FoundFile> {
  const folder = prefixFolder(prefix)
    .map((step) => `${step}/`)
    .join('')
  yield* walk(folder)

  async function* walk(below: string): AsyncGenerator<FoundFile> {
    throwIfAborted(signal)
    const path = `${root}/${below}`.replace(/\/$/, '')
    for (const { name, isFolder, attrs } of inKeyOrder(await entries(sftp, path))) {
      if (isFolder) {
        if (mayHold(`${below}${name}/`, prefix)) yield* walk(`${below}${name}/`)
      } else if (attrs.isFile()) {
        yield { folder: below, name, bytes: attrs.size, modified: new Date(attrs.mtime * 1000) }
      }
    }
  }
}

async function entries(sftp: Sftp, path: string) {
  try {
    const found = await sftp.call<FileEntryWithStats[]>('list', path, (raw, done) => raw.readdir(path, done))
    return found.map(({ filename, attrs }) => ({ name: filename, isFolder: attrs.isDirectory(), attrs }))
  } catch (thrown) {
    // Gone by now, or a file where the prefix means a folder, which SFTP calls a plain failure.
    if (statusOf(thrown) === NO_SUCH_FILE) return []
    if (statusOf(thrown) === FAILURE && (await sftp.lstat(path))?.isDirectory() !== true) return []
    throw thrown
  }
}

function statusOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof LifeboatError ? thrown.cause : undefined
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : undefined
}

function sftpError(action: string, name: string, path: string, thrown: unknown): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const { code, message } = thrown as Error & { code?: number }
  const text = `unable to ${action} '${name}': ${message}`
  const look = `ls -ld ${shellQuote(path)}`
  switch (code) {
    case NO_SUCH_FILE:
      return new LifeboatError('sink-not-found', text, {
        hint: `Look at what is there (${look}, on that host).`,
        cause: thrown,
      })
    case PERMISSION_DENIED:
      return new LifeboatError('sink-denied', text, {
        hint: `Give the account there the right to it (${look}), or use the account that wrote it.`,
        cause: thrown,
      })
    default:
      return new LifeboatError('sink-unavailable', text, {
        hint: `Look at that host and its disk (${look}; dmesg | tail), then run again.`,
        cause: thrown,
      })
  }
}
