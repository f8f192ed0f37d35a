import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { currentOwner, ownerState, type ProcessOwner } from '../../core/process-owner.ts'

/** Far longer than an append takes, even on a disk that is slow to sync. */
const WAIT_MS = 30_000
/** What can't be seen from here, in another container or on another host, is believed dead after this. */
const UNSEEN_MS = 120_000
const PAUSE_MS = 20

/**
 * One writer of a file at a time, of all processes. Each puts a lock of its own name beside the file, and has it if it then
 * finds no other: of two that overlap at least the later one sees the former. Since no name is used twice, whoever finds
 * that the owner of a lock is gone can remove it, without a danger of removing somebody else's.
 */
export async function withFileLock<T>(
  file: string,
  clock: Clock,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const here = hashed(await currentOwner())
  const mine = `${prefixOf(file)}${nameOf(here)}-${randomBytes(8).toString('hex')}`
  const path = join(dirname(file), mine)
  const giveUpMs = clock.monotonicMs() + WAIT_MS
  for (;;) {
    throwIfAborted(signal)
    let other = await otherHolder(file, mine, here)
    if (other === undefined) {
      await (await open(path, 'wx', 0o600)).close()
      try {
        other = await otherHolder(file, mine, here)
        if (other === undefined) return await work()
      } finally {
        await rm(path, { force: true })
      }
    }
    if (clock.monotonicMs() > giveUpMs) throw busy(file, other)
    await clock.sleep(1 + Math.random() * PAUSE_MS, signal)
  }
}

async function otherHolder(file: string, mine: string, here: ProcessOwner): Promise<string | undefined> {
  const prefix = prefixOf(file)
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(prefix) || name === mine) continue
    const path = join(dirname(file), name)
    if (!(await isGone(path, name.slice(prefix.length), here))) return path
    await rm(path, { force: true })
  }
  return undefined
}

async function isGone(path: string, name: string, here: ProcessOwner): Promise<boolean> {
  const owner = ownerOf(name)
  // Without /proc nobody's start time is known, and none can be told to be gone.
  const state = owner === undefined || owner.startTime === 0 ? 'unknown' : await ownerState(owner, here)
  if (state === 'alive') return false
  if (state === 'gone' && !(owner?.boot === here.boot && isHidden(owner.pid))) return true
  try {
    return Date.now() - (await stat(path)).mtimeMs > UNSEEN_MS
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw thrown
  }
}

/** Of processes of other users /proc may show nothing (hidepid=, systemd's ProtectProc=). kill(2) still tells that there is one. */
function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function prefixOf(file: string): string {
  return `${basename(file)}.lock-`
}

/** In the name, so that a lock is there with its owner or not at all. */
function nameOf({ host, boot, pidNamespace, pid, startTime }: ProcessOwner): string {
  return [host, boot, pidNamespace, pid, startTime ?? 0].join('-')
}

function ownerOf(name: string): ProcessOwner | undefined {
  const [, host, boot, pidNamespace, pid, startTime] =
    /^([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{16}$/.exec(name) ?? []
  if (host === undefined || boot === undefined || pidNamespace === undefined) return undefined
  return { host, boot, pidNamespace, pid: Number(pid), startTime: Number(startTime) }
}

function hashed({ host, boot, pidNamespace, pid, startTime }: ProcessOwner): ProcessOwner {
  const short = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8)
  return { host: short(host), boot: short(boot), pidNamespace: short(pidNamespace), pid, startTime }
}

function busy(file: string, other: string | undefined): LifeboatError {
  const pid = /-(\d+)-\d+-[0-9a-f]{16}$/.exec(other ?? '')?.[1]
  return new LifeboatError(
    'locked',
    `unable to write audit log '${file}': ${pid === undefined ? 'another process' : `process ${pid}`} is writing to it`,
    {
      hint: `Look at that process; if it hangs, end it and run the same command again. Its lock is '${other ?? prefixOf(file)}'.`,
    },
  )
}
