import { readdir, readFile } from 'node:fs/promises'
import { startTime } from './process-owner.ts'

/** A process, told from a later one with the same pid. */
export interface StartedProcess {
  readonly pid: number
  readonly startTime: number
}

/** All that descend from a process; none where the system does not tell. */
export async function descendantsOf(pid: number): Promise<readonly StartedProcess[]> {
  const children = await childrenOf(pid)
  const found = await Promise.all(
    children.map(async (child) => {
      const started = await startTime(child)
      return [
        ...(started === undefined ? [] : [{ pid: child, startTime: started }]),
        ...(await descendantsOf(child)),
      ]
    }),
  )
  return found.flat()
}

export async function signalIfAlive(target: StartedProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if ((await startTime(target.pid)) !== target.startTime) return
  try {
    process.kill(target.pid, signal)
  } catch {
    // ESRCH: it has just ended. EPERM: it has become another user's, and is not ours to end.
  }
}

/** Each thread has children of its own: proc(5), /proc/PID/task/TID/children. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const folder = `/proc/${pid}/task`
  try {
    const threads = await readdir(folder)
    const texts = await Promise.all(threads.map((thread) => readFile(`${folder}/${thread}/children`, 'utf8')))
    return texts.flatMap((text) => text.split(' ').filter((word) => word !== '')).map(Number)
  } catch {
    // Gone meanwhile, or no Linux.
    return []
  }
}
