import { readFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import type { AuditWho } from '../../core/audit-record.ts'

export async function whoRuns(): Promise<AuditWho> {
  const loginUid = await readLoginUid()
  return {
    user: userName(),
    ...(loginUid !== undefined && { loginUid }),
    host: hostname(),
    pid: process.pid,
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // In a container a user may have a number and no name: getpwuid(3).
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** What the kernel keeps where nobody has logged in: proc_pid_loginuid(5). */
const NOBODY = 4_294_967_295

/** Set at login, and kept through sudo and su. */
async function readLoginUid(): Promise<number | undefined> {
  let text: string
  try {
    text = await readFile('/proc/self/loginuid', 'utf8')
  } catch {
    // A kernel without auditing has no such file, another system no /proc.
    return undefined
  }
  const uid = /^\d+$/.test(text.trim()) ? Number(text) : NOBODY
  return uid === NOBODY ? undefined : uid
}
