import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface RunOptions {
  /** Added to a small environment of its own: PATH, HOME and the state folder. */
  readonly env?: Readonly<Record<string, string>>
  readonly home: string
  /** In a session of its own, so that there is no /dev/tty to ask at. */
  readonly detached?: boolean
  /** A run that hangs is a failure, and must not outlive its test. */
  readonly timeoutMs?: number
}

/** The command line as a child process, with stdin closed and no terminal. Never rejects. */
export function startLifeboat(
  args: readonly string[],
  { env, home, detached = false, timeoutMs = 50_000 }: RunOptions,
) {
  return execa(process.execPath, [MAIN, ...args], {
    reject: false,
    extendEnv: false,
    env: { ...environment(home), ...env },
    stdin: 'ignore',
    detached,
    timeout: timeoutMs,
    forceKillAfterDelay: 5_000,
  })
}

/** Resolves with the exit code and both streams. */
export async function runLifeboat(args: readonly string[], options: RunOptions) {
  const { exitCode, stdout, stderr, signal } = await startLifeboat(args, options)
  return { exitCode, stdout, stderr, signal }
}

/** The same under a terminal of its own, by script(1); both streams come out as one. */
export function startLifeboatInTerminal(
  args: readonly string[],
  { env, home, command }: RunOptions & { readonly command?: string },
) {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
  const line = `stty cols 80 rows 24; ${command ?? `exec ${words.join(' ')}`}`
  return execa('script', ['-q', '-e', '-c', line, '/dev/null'], {
    reject: false,
    extendEnv: false,
    env: { ...environment(home), TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdin: 'pipe',
    timeout: 50_000,
    forceKillAfterDelay: 5_000,
  })
}

function environment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: home, LIFEBOAT_STATE_DIR: `${home}/state` }
}
