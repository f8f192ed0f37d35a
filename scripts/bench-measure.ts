import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface Measurement {
  readonly wallSeconds: number
  /** User and system time of every process of the run; the server's is not in it. */
  readonly cpuSeconds: number
  /** Sum of the peaks (VmHWM) of all processes of the run. */
  readonly peakMiB: number
  /** Peak of the lifeboat process itself, where there is one. */
  readonly agentPeakMiB: number | undefined
}

const SAMPLE_MS = 20

/** Runs a shell line, taking time from bash's own `time` and memory from /proc. Throws when it exits non-zero. */
export async function measure(line: string, env: Readonly<Record<string, string>>): Promise<Measurement> {
  const script = `set -o pipefail; TIMEFORMAT='bench %R %U %S'; time { ${line}; }`
  const child = spawn('bash', ['-c', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (piece) => {
    stderr = (stderr + piece).slice(-20_000)
  })
  const peaks = new Map<string, Peak>()
  let running = true
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve)).finally(() => {
    running = false
  })
  while (running) {
    samplePeaks(child.pid as number, peaks)
    await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))])
  }
  const code = await exit
  if (code !== 0) throw new Error(`'${line}' exited ${code}:\n${stderr}`)
  const [, wall = '', user = '', system = ''] = /^bench (\S+) (\S+) (\S+)$/m.exec(stderr) ?? []
  const all = [...peaks.values()]
  const agents = all.filter((peak) => peak.agent).map((peak) => peak.kib / 1024)
  return {
    wallSeconds: Number(wall),
    cpuSeconds: Number(user) + Number(system),
    peakMiB: all.reduce((sum, peak) => sum + peak.kib, 0) / 1024,
    agentPeakMiB: agents.length === 0 ? undefined : Math.max(...agents),
  }
}

interface Peak {
  readonly kib: number
  readonly agent: boolean
}

/** VmHWM only grows, so the last sample of a process is all but its true peak. */
function samplePeaks(root: number, peaks: Map<string, Peak>): void {
  const parents = new Map<number, number>()
  const found = new Map<number, { kib: number; command: string }>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = readStatus(name)
    const parent = /^PPid:\s*(\d+)/m.exec(status)?.[1]
    if (parent === undefined) continue
    parents.set(Number(name), Number(parent))
    const kib = Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0)
    found.set(Number(name), { kib, command: /^Name:\s*(.*)$/m.exec(status)?.[1] ?? '' })
  }
  for (const [pid, { kib, command }] of found) {
    for (let ancestor: number | undefined = pid; ancestor !== undefined; ancestor = parents.get(ancestor)) {
      if (ancestor !== root) continue
      const agent = /^(node|MainThread|lifeboat)/.test(command)
      // By name too: exec turns one pid into another program with a peak of its own.
      // An exiting process has no VmHWM any more: its peak stays.
      peaks.set(`${pid} ${command}`, { kib: Math.max(kib, peaks.get(`${pid} ${command}`)?.kib ?? 0), agent })
      break
    }
  }
}

/** Empty for a process that is gone between the listing and the look: it has had its samples. */
function readStatus(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw thrown
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
