import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { destroyFolder, destroyFolderNow } from './destroy-folder.ts'
import { pidNamespace, startTime } from './process-owner.ts'

const PREFIX = 'lifeboat-'
const TMPFS_MAGIC = 0x01021994

/**
 * A 0700 folder for what must not be on a command line: option files, password files. On tmpfs where there is one. What is
 * in it at the end is overwritten, then removed. Its name holds the owner's pid and start time, so that a later run can remove what a killed one left.
 */
export interface PrivateFolder extends AsyncDisposable {
  readonly path: string
  /** Writes a 0600 file, returns its path. */
  file(name: string, text: string): Promise<string>
}

/** Called with a folder that a dead run left, before it goes: what still works in it is to be ended. */
export type BeforeSweep = (path: string) => Promise<void>

export async function createPrivateFolder(
  parent?: string,
  beforeSweep?: BeforeSweep,
): Promise<PrivateFolder> {
  const root = parent ?? (await scratchRoot())
  await sweepPrivateFolders(root, beforeSweep)
  const started = (await startTime(process.pid)) ?? 0
  const owner = `${await namespaceNumber()}-${process.pid}-${started}`
  const path = join(root, `${PREFIX}${owner}-${randomBytes(6).toString('hex')}`)
  // What still works in a folder has to be ended first, by the next run's sweep.
  if (beforeSweep === undefined) removeAtExit(path)
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
      await destroyFolder(path)
      atExit.delete(path)
    },
  }
}

const atExit = new Set<string>()
let listens = false

/** A run that was given up may end while what it has just begun still makes, or removes, its folder. */
function removeAtExit(path: string): void {
  atExit.add(path)
  if (listens) return
  listens = true
  process.once('exit', removeAll)
}

function removeAll(): void {
  for (const path of atExit) destroyFolderNow(path)
}

/**
 * Removes the private folders of processes of this user that are gone, and returns their paths. Other users' are not
 * ours to remove, and other containers' processes can't be seen where they share the folder.
 */
export async function sweepPrivateFolders(
  root: string,
  beforeSweep?: BeforeSweep,
): Promise<readonly string[]> {
  const removed: string[] = []
  const namespace = await namespaceNumber()
  for (const name of await readdir(root)) {
    const owner = /^lifeboat-(\d+)-(\d+)-(\d+)-[0-9a-f]{12}$/.exec(name)
    if (owner === null || owner[1] !== namespace) continue
    // A pid is used again in time; pid and start time together are not.
    if ((await startTime(Number(owner[2]))) === Number(owner[3])) continue
    const path = join(root, name)
    if (!(await isOwnFolder(path))) continue
    await beforeSweep?.(path)
    await destroyFolder(path)
    removed.push(path)
  }
  return removed
}

/** False for what another run has just removed, too. */
async function isOwnFolder(path: string): Promise<boolean> {
  try {
    const info = await lstat(path)
    return info.isDirectory() && info.uid === process.getuid?.()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw thrown
  }
}

/** The digits of `pid:[4026531836]`; 0 where the system does not tell. */
async function namespaceNumber(): Promise<string> {
  return /\d+/.exec(await pidNamespace())?.[0] ?? '0'
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
