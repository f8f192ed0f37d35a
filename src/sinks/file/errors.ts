import { type ErrorCode, LifeboatError, messageOf } from '../../core/errors.ts'
import { shellQuote } from '../../core/shell-quote.ts'

interface Advice {
  readonly code: ErrorCode
  readonly reason: string
  readonly hint: (path: string) => string
}

const lookAt = (path: string) => `Look at it (ls -ld ${shellQuote(path)}; dmesg | tail), then run again.`

const ADVICE: Readonly<Record<string, Advice>> = {
  ENOSPC: {
    code: 'sink-full',
    reason: 'the disk is full',
    // Without the path: its folder goes with the object that was not kept.
    hint: () =>
      'Nothing of the object was kept; free space or inodes on its disk (df -h; df -i), or write to another sink.',
  },
  EDQUOT: {
    code: 'sink-full',
    reason: 'the disk quota is used up',
    hint: () => 'Nothing of the object was kept; raise the quota (see: quota), or write to another sink.',
  },
  EFBIG: {
    code: 'sink-full',
    reason: 'the file is larger than the file system or the limit of the process allows',
    hint: () => 'Look at `ulimit -f`; FAT file systems take no more than 4 GiB per file: use another disk.',
  },
  EACCES: {
    code: 'sink-denied',
    reason: 'permission denied',
    hint: (path) =>
      `Give this user the right to it (ls -ld ${shellQuote(path)}; id), or run as the user that has it.`,
  },
  EPERM: {
    code: 'sink-denied',
    reason: 'operation not permitted',
    hint: (path) =>
      `Look whether it is immutable or on a file system without Unix rights (lsattr -d ${shellQuote(path)}; findmnt -T ${shellQuote(path)}).`,
  },
  EROFS: {
    code: 'sink-denied',
    reason: 'the file system is mounted read-only',
    hint: (path) =>
      `Find out why (dmesg | tail) and mount it writable: mount -o remount,rw $(findmnt -no TARGET -T ${shellQuote(path)}).`,
  },
  ENOENT: { code: 'sink-not-found', reason: 'there is no such file', hint: lookAt },
  ENOTDIR: {
    code: 'sink-denied',
    reason: 'a file stands where a folder is needed',
    hint: (path) => `Name another folder, or move that file away (ls -ld ${shellQuote(path)}).`,
  },
  EEXIST: {
    code: 'sink-denied',
    reason: 'a file stands where a folder is needed',
    hint: (path) => `Name another folder, or move that file away (ls -ld ${shellQuote(path)}).`,
  },
  EISDIR: {
    code: 'sink-denied',
    reason: 'a folder stands where the object must be',
    hint: (path) => `Move that folder away (ls -ld ${shellQuote(path)}).`,
  },
  ELOOP: {
    code: 'sink-denied',
    reason: 'it is a symbolic link',
    hint: (path) => `Put a real file or folder in its place (ls -l ${shellQuote(path)}).`,
  },
}

/** What the operating system said about a path, as an error of ours. Errors of ours pass. */
export function fileError(action: string, path: string, thrown: unknown): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const code = (thrown as NodeJS.ErrnoException).code ?? ''
  const advice = ADVICE[code]
  if (advice === undefined) {
    return new LifeboatError('sink-unavailable', `unable to ${action} '${path}': ${messageOf(thrown)}`, {
      hint: lookAt(path),
      cause: thrown,
    })
  }
  return new LifeboatError(advice.code, `unable to ${action} '${path}': ${advice.reason} (${code})`, {
    hint: advice.hint(path),
    cause: thrown,
  })
}

export function isErrno(thrown: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((thrown as NodeJS.ErrnoException).code ?? '')
}
