import { readdir, readFile } from 'node:fs/promises'

export interface ChildProcess {
  readonly pid: number
  readonly parent: number
  /** Stopped by SIGSTOP. */
  readonly stopped: boolean
  readonly command: string
  readonly environment: string
}

/** All living descendants of this process, as /proc shows them to every tool of the same user. */
export async function childProcesses(): Promise<readonly ChildProcess[]> {
  const parents = new Map<number, number>()
  const stopped = new Set<number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await quietly(`/proc/${name}/stat`)
    // The name of the command, field 2, may itself hold spaces and parentheses.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'T') stopped.add(Number(name))
    if (state !== undefined && state !== 'Z' && parent !== undefined)
      parents.set(Number(name), Number(parent))
  }
  const isOurs = (pid: number): boolean => {
    for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) {
      if (at === process.pid) return true
    }
    return false
  }
  const found: ChildProcess[] = []
  for (const [pid, parent] of parents) {
    if (!isOurs(pid)) continue
    const command = (await quietly(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ')
    found.push({
      pid,
      parent,
      stopped: stopped.has(pid),
      command,
      environment: await quietly(`/proc/${pid}/environ`),
    })
  }
  return found
}

/** A process may end between two looks: what can't be read any more is empty. */
async function quietly(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(() => '')
}
