import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFileJournal } from '../../../src/core/journal.ts'
import { createPrivateFolder, startTime } from '../../../src/core/private-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const run = { sink: 'file:///a', job: 'default', id: 'x' }
const folderModule = join(import.meta.dirname, '../../../src/core/private-folder.ts')
const journalModule = join(import.meta.dirname, '../../../src/core/journal.ts')

/** Runs code in a process that is gone afterwards. */
async function inDeadProcess(code: string): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' })
  const [status, killed] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('exit', (exit, signal) => resolve([exit, signal])),
  )
  expect(killed ?? status).toBe('SIGKILL')
}

test('an entry of this process is not left over; closing it removes it', async () => {
  const journal = createFileJournal<typeof run>(join(folder, 'state'))
  expect(await journal.left(run.sink)).toEqual([])
  await journal.opened(run)
  expect(await journal.left(run.sink)).toEqual([])
  expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700)
  await journal.closed({ id: 'x', job: 'default', sink: 'file:///a' })
  expect(await readdir(join(folder, 'state'))).toEqual([])
})

test('an entry of a killed process is left over, for its own sink only', async () => {
  await inDeadProcess(
    `import { createFileJournal } from ${JSON.stringify(journalModule)}
     await createFileJournal(${JSON.stringify(folder)}).opened(${JSON.stringify(run)})
     process.kill(process.pid, 'SIGKILL')`,
  )
  const journal = createFileJournal<typeof run>(folder)
  expect(await journal.left('file:///b')).toEqual([])
  expect(await journal.left(run.sink)).toEqual([run])
  await journal.closed(run)
  expect(await journal.left(run.sink)).toEqual([])
})

test('a private folder is 0700, its files 0600, and it is gone after its scope', async () => {
  let path = ''
  {
    await using scratch = await createPrivateFolder(folder)
    path = scratch.path
    const file = await scratch.file('my.cnf', 'secret')
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  }
  expect(await readdir(folder)).toEqual([])
})

test('what a killed process left private is swept by the next, and nothing else', async () => {
  await inDeadProcess(
    `import { createPrivateFolder } from ${JSON.stringify(folderModule)}
     const scratch = await createPrivateFolder(${JSON.stringify(folder)})
     await scratch.file('my.cnf', 'secret')
     process.kill(process.pid, 'SIGKILL')`,
  )
  await writeFile(join(folder, 'lifeboat-notes'), 'not ours to remove')
  expect(await readdir(folder)).toHaveLength(2)
  await using alive = await createPrivateFolder(folder)
  await using other = await createPrivateFolder(folder)
  expect((await readdir(folder)).map((name) => join(folder, name)).sort()).toEqual(
    [alive.path, other.path, join(folder, 'lifeboat-notes')].sort(),
  )
})

test('startTime tells a live process from one that never was', async () => {
  expect(await startTime(process.pid)).toBeGreaterThan(0)
  expect(await startTime(2 ** 22 + 1)).toBeUndefined()
})
