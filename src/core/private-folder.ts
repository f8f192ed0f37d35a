import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'lifeboat-'
const TMPFS_MAGIC = 0x01021994

/**
 * A 0700 folder for what must not be on a command line: option files, password files. On tmpfs where there is one.
 * Its name holds the owner's pid and start time, so that a later run can remove what a killed one left.
 */
export interface PrivateFolder extends AsyncDisposable {
  readonly path: string
  /** Writes a 0600 file, returns its path. */
  file(name: string, text: string): Promise<string>
}

export async function createPrivateFolder(parent?: string): Promise<PrivateFolder> {
  const root = parent ?? (await scratchRoot())
  await sweepPrivateFolders(root)
  const name = `${PREFIX}${process.pid}-${(await startTime(process.pid)) ?? 0}-${randomBytes(6).toString('hex')}`
  const path = join(root, name)
  await mkdir(path, { mode: 0o700 })
  return {
    path,
    async file(name, text) {
      const target = join(path, name)
      const handle = await open(target, 'wx', 0o600)
      try {
        await handle.writeFile(text)
      } finally {
        await handle.close()
      }
      return target
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** Removes the private folders of processes that are gone. Returns their paths. */
export async function sweepPrivateFolders(root: string): Promise<readonly string[]> {
  const removed: string[] = []
  for (const name of await readdir(root)) {
    const owner = /^lifeboat-(\d+)-(\d+)-[0-9a-f]{12}$/.exec(name)
    if (owner === null) continue
    // A pid is used again in time; pid and start time together are not.
    if ((await startTime(Number(owner[1]))) === Number(owner[2])) continue
    const path = join(root, name)
    await rm(path, { recursive: true, force: true })
    removed.push(path)
  }
  return removed
}

async function scratchRoot(): Promise<string> {
  try {
    const shm = await statfs('/dev/shm')
    if (shm.type === TMPFS_MAGIC) {
      await rm(join('/dev/shm', `${PREFIX}probe-${process.pid}`), { force: true })
      await mkdir(join('/dev/shm', `${PREFIX}probe-${process.pid}`), { mode: 0o700 })
      await rm(join('/dev/shm', `${PREFIX}probe-${process.pid}`), { recursive: true })
      return '/dev/shm'
    }
  } catch {
    // No tmpfs that we may write to: the temp folder serves, and SECURITY.md says what that means.
  }
  return tmpdir()
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot: proc(5). Undefined for a process that is gone. */
export async function startTime(pid: number): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // The command's name, field 2, is in parentheses and may itself hold spaces and parentheses.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return undefined
  }
}
