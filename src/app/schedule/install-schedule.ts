import { randomUUID } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { makeFolders } from '../../core/make-folders.ts'
import { MARK, type ScheduleFile } from './schedule-file.ts'

/** Writes each file, whole or not at all. One that somebody else wrote is not replaced. Resolves with their paths. */
export async function installSchedule(
  folder: string,
  files: readonly ScheduleFile[],
): Promise<readonly string[]> {
  const paths = files.map(({ name }) => join(folder, name))
  for (const path of paths) await refuseForeign(path)
  await attempt(folder, () => makeFolders(folder))
  for (const [index, { text }] of files.entries()) {
    const path = paths[index] as string
    await attempt(path, () => replace(path, text))
  }
  return paths
}

async function replace(path: string, text: string): Promise<void> {
  // Neither systemd nor cron takes a name like this for one of theirs.
  const temporary = `${path}.${randomUUID()}.lifeboat-tmp`
  try {
    await writeFile(temporary, text, { flag: 'wx' })
    // Whatever the umask: there is nothing secret in it, and cron refuses what others may write.
    await chmod(temporary, 0o644)
    await rename(temporary, path)
  } catch (thrown) {
    await rm(temporary, { force: true })
    throw thrown
  }
}

async function refuseForeign(path: string): Promise<void> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return
    throw refuse(path, thrown)
  }
  if (text.startsWith(MARK)) return
  throw new LifeboatError('config', `unable to write '${path}': it is there, and lifeboat did not write it`, {
    hint: 'Move it away, or print what would be written by leaving out --install.',
  })
}

async function attempt(path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    throw refuse(path, thrown)
  }
}

function refuse(path: string, thrown: unknown): LifeboatError {
  return new LifeboatError('config', `unable to write '${path}': ${messageOf(thrown)}`, {
    hint: 'Run it as root, or with --user for units of your own; without --install it only prints.',
    cause: thrown,
  })
}
