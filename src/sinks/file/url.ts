import { normalize } from 'node:path/posix'
import { LifeboatError } from '../../core/errors.ts'

export interface FileSinkAddress {
  /** Absolute. */
  readonly folder: string
}

/** Reads `file:///path`. Three slashes: after two comes a host, and a folder on another host is `ssh://`. */
export function parseFileSinkUrl(text: string): FileSinkAddress {
  const refuse = (reason: string, hint: string) =>
    new LifeboatError('usage', `unable to read the sink URL '${text}': ${reason}`, { hint })
  const path = /^file:\/\/(.*)$/is.exec(text)?.[1]
  if (path === undefined)
    throw refuse('it does not start with file://', 'Write it like file:///backups/mysql.')
  if (!path.startsWith('/')) {
    throw refuse(
      'the path after file:// is not absolute',
      'Write three slashes and the whole path, like file:///backups/mysql; for a folder on another host use ssh://.',
    )
  }
  const special = /[?#]/.exec(path)?.[0]
  if (special !== undefined) {
    throw refuse(
      `it holds a '${special}', and file:// has no options`,
      "Write a '?' in a name as %3F and a '#' as %23.",
    )
  }
  let folder: string
  try {
    folder = decodeURIComponent(path)
  } catch {
    throw refuse('it is not percent-encoded correctly', "Write a '%' in a name as %25.")
  }
  if (folder.includes('\0')) throw refuse('it holds a NUL', 'Take the %00 out of it.')
  return { folder: normalize(folder).replace(/(?<=.)\/+$/, '') }
}
