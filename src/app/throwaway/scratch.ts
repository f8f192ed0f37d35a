import { chmod, chown, mkdir, readFile, stat, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { createPrivateFolder, type PrivateFolder } from '../../core/private-folder.ts'
import { startTime } from '../../core/process-owner.ts'
import type { ServerAccount } from './server-account.ts'

/** Where a throwaway server lives. */
export interface Scratch extends AsyncDisposable {
  /** On a disk, with room for data; the server's own. */
  readonly data: string
  /** For its socket, on a short path, since that may have 107 bytes only; the server's own. */
  readonly socket: string
  /** Remembers the server, so that it is ended with the scratch of a run that was killed. */
  started(pid: number | undefined): Promise<void>
}

const PID_FILE = 'server.pid'
const GONE_MS = 10_000

/** `root` is where data may lie; by default the folder for temporary files. Throws `config` where it can't be used. */
export async function createScratch(
  root: string | undefined,
  account: ServerAccount | undefined,
): Promise<Scratch> {
  await using made = new AsyncDisposableStack()
  if (account !== undefined) await checkWay(root ?? tmpdir())
  const folder = made.use(await makeFolder(root ?? tmpdir()))
  const short = made.use(await createPrivateFolder())
  const data = await giveFolder(folder, 'data', account)
  const socket = await giveFolder(short, 's', account)
  const rest = made.move()
  return {
    data,
    socket,
    async started(pid) {
      if (pid === undefined) return
      await writeFile(join(folder.path, PID_FILE), `${pid} ${await startTime(pid)}\n`, { mode: 0o600 })
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

/** Bytes that are free where data would lie. */
export async function freeBytes(root: string | undefined): Promise<number> {
  const { bavail, bsize } = await statfs(root ?? tmpdir())
  return bavail * bsize
}

async function makeFolder(root: string): Promise<PrivateFolder> {
  try {
    return await createPrivateFolder(root, endLeftServer)
  } catch (thrown) {
    throw noScratch(root, messageOf(thrown), thrown)
  }
}

/** Another account must get through every folder above, or the server says no more than "Permission denied". */
async function checkWay(folder: string): Promise<void> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const { mode } = await stat(at).catch((thrown: unknown) => {
      throw noScratch(folder, messageOf(thrown), thrown)
    })
    if ((mode & 0o001) === 0) {
      throw noScratch(folder, `the account that runs the server can't get through '${at}'`)
    }
    if (at === dirname(at)) return
  }
}

function noScratch(folder: string, reason: string, cause?: unknown): LifeboatError {
  return new LifeboatError('config', `unable to make a scratch folder in '${folder}': ${reason}`, {
    hint: 'Give a folder with --scratch that this user may write to, and as root others may pass through; on an encrypted disk if the data are secret.',
    cause,
  })
}

/** Another account gets through the folder, whose name nobody can guess, to what is its own. */
async function giveFolder(
  { path }: PrivateFolder,
  name: string,
  account: ServerAccount | undefined,
): Promise<string> {
  const own = join(path, name)
  await mkdir(own, { mode: 0o700 })
  if (account === undefined) return own
  await chmod(path, 0o711)
  await chown(own, account.uid, account.gid)
  return own
}

/** The kernel ends a server with its agent; where it was not asked to, this does. */
async function endLeftServer(folder: string): Promise<void> {
  const text = await readFile(join(folder, PID_FILE), 'utf8').catch(() => '')
  const [, pid, started] = /^(\d+) (\d+)\n$/.exec(text) ?? []
  if (pid === undefined) return
  const lives = async () => (await startTime(Number(pid))) === Number(started)
  if (!(await lives())) return
  process.kill(Number(pid), 'SIGKILL')
  const deadline = performance.now() + GONE_MS
  while (await lives()) {
    if (performance.now() > deadline) {
      throw new LifeboatError('config', `unable to end process ${pid}, a server that an earlier drill left`, {
        hint: `End it by hand: kill -9 ${pid}`,
      })
    }
    await delay(20)
  }
}
