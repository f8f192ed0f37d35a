import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** A process, told from every other one: on other hosts and in other containers that share a folder with it, too. */
export interface ProcessOwner {
  readonly host: string
  /** Of this start of the machine; empty where the system does not tell. */
  readonly boot: string
  /** Within which the pid means something: each container has its own. */
  readonly pidNamespace: string
  readonly pid: number
  readonly startTime: number | null
}

export async function currentOwner(): Promise<ProcessOwner> {
  const [boot, namespace] = await Promise.all([
    told(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    pidNamespace(),
  ])
  const started = await startTime(process.pid)
  return { host: hostname(), boot, pidNamespace: namespace, pid: process.pid, startTime: started ?? null }
}

/**
 * `unknown` where it can't be seen from here: another host, another container. Its work must not be taken for
 * abandoned, since whoever clears it away may destroy a run that is under way.
 */
export async function ownerState(
  owner: ProcessOwner,
  here: ProcessOwner,
): Promise<'alive' | 'gone' | 'unknown'> {
  if (owner.host !== here.host) return 'unknown'
  if (owner.boot !== here.boot) return 'gone'
  if (owner.pidNamespace !== here.pidNamespace) return 'unknown'
  // A pid is used again in time; pid and start time together are not.
  return owner.startTime !== null && (await startTime(owner.pid)) === owner.startTime ? 'alive' : 'gone'
}

/** `pid:[4026531836]`; empty where the system does not tell. */
export async function pidNamespace(): Promise<string> {
  return told(readlink('/proc/self/ns/pid'))
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

async function told(reading: Promise<string>): Promise<string> {
  return reading.then(
    (text) => text.trim(),
    () => '',
  )
}
