import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { startTime } from './private-folder.ts'

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
  const [boot, pidNamespace] = await Promise.all([
    told(readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    told(readlink('/proc/self/ns/pid')),
  ])
  const started = await startTime(process.pid)
  return { host: hostname(), boot, pidNamespace, pid: process.pid, startTime: started ?? null }
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

async function told(reading: Promise<string>): Promise<string> {
  return reading.then(
    (text) => text.trim(),
    () => '',
  )
}
