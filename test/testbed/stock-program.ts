import { spawnSync } from 'node:child_process'

/** Runs a program over bytes, stdin to stdout. Throws with its stderr unless it exits 0. */
export function throughProgram(input: Uint8Array, command: string, ...args: readonly string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input,
    maxBuffer: 1024 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C' },
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${status}\n${stderr}`)
  return stdout
}
