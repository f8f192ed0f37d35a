import { type ChildProcess, childProcesses } from './child-processes.ts'
import { type CliServer, until } from './cli-servers.ts'

/** Holds the dump tool as soon as it is at work, so that whatever follows happens in the middle of a dump. */
export async function holdTool(
  pid: number | undefined,
  { tool, holdEnv }: CliServer,
): Promise<{ pid: number; release(): void }> {
  let held = Number.NaN
  await until(async () => {
    const found = (await descendants(pid)).find(({ command }) => tool.test(command))
    // Where no tool that stops itself can be put before the real one, it is stopped from outside.
    if (holdEnv === undefined && found?.stopped === false) process.kill(found.pid, 'SIGSTOP')
    held = found?.pid ?? Number.NaN
    return found?.stopped === true
  })
  return { pid: held, release: () => void process.kill(held, 'SIGCONT') }
}

/** All processes that the given one has started, itself included. */
export async function descendants(pid: number | undefined): Promise<readonly ChildProcess[]> {
  const all = await childProcesses()
  const ours = new Set([pid])
  for (let grown = true; grown; ) {
    grown = false
    for (const child of all) {
      if (ours.has(child.pid) || !ours.has(child.parent)) continue
      ours.add(child.pid)
      grown = true
    }
  }
  return all.filter((child) => ours.has(child.pid))
}
