import { spawn } from 'node:child_process'
import { chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFileJournal } from '../../../src/core/journal.ts'
import { makeFolders } from '../../../src/core/make-folders.ts'
import { createPrivateFolder } from '../../../src/core/private-folder.ts'
import { startTime } from '../../../src/core/process-owner.ts'

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

test('what is under way is told for its own sink only, until it is closed or its process is gone', async () => {
  const journal = createFileJournal<typeof run>(folder)
  expect(await journal.live(run.sink)).toEqual([])
  await journal.opened(run)
  await inDeadProcess(
    `import { createFileJournal } from ${JSON.stringify(journalModule)}
     await createFileJournal(${JSON.stringify(folder)}).opened(${JSON.stringify({ ...run, id: 'dead' })})
     process.kill(process.pid, 'SIGKILL')`,
  )
  expect(await journal.live(run.sink)).toEqual([run])
  expect(await journal.live('file:///b')).toEqual([])
  await journal.closed(run)
  expect(await journal.live(run.sink)).toEqual([])
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
  expect(await journal.left(run.sink, 3_600_000)).toEqual([])
  await journal.closed(run)
  expect(await journal.left(run.sink)).toEqual([])
})

test('what another host or container has begun may be alive, and is left alone until it must be dead', async () => {
  const journal = createFileJournal<typeof run>(folder)
  await journal.opened(run)
  const [name = ''] = await readdir(folder)
  const path = join(folder, name)
  const own = JSON.parse(await readFile(path, 'utf8'))
  const left = async (owner: object, openedMs: number = own.openedMs) => {
    await writeFile(path, JSON.stringify({ ...own, owner: { ...own.owner, ...owner }, openedMs }))
    expect((await journal.live(run.sink)).length + (await journal.left(run.sink)).length).toBe(1)
    return (await journal.left(run.sink)).length
  }
  expect(await left({ pid: 2 ** 22 + 1 })).toBe(1)
  expect(await left({ boot: 'before the restart of this machine' })).toBe(1)
  for (const elsewhere of [
    { host: 'another', pid: 1 },
    { pidNamespace: 'pid:[1]', pid: 2 ** 22 + 1 },
  ]) {
    expect(await left(elsewhere)).toBe(0)
    expect(await left(elsewhere, Date.now() - 30 * 24 * 3_600_000)).toBe(1)
  }
})

test('an entry that a crash of the machine emptied is named, with what to do', async () => {
  await writeFile(join(folder, 'x.json'), '')
  await expect(createFileJournal<typeof run>(folder).left(run.sink)).rejects.toMatchObject({
    code: 'config',
    hint: expect.stringContaining('Remove this file'),
  })
})

test('folders are made one by one, and refused where none can be made', async () => {
  const deep = join(folder, 'a', 'b', 'c')
  const made: string[] = []
  const note = async (path: string) => void made.push(path)
  await makeFolders(deep, note)
  await makeFolders(deep, note)
  expect(made).toEqual([join(folder, 'a'), join(folder, 'a', 'b'), deep])
  expect((await stat(deep)).mode & 0o777).toBe(0o700)
  await expect(makeFolders('/proc/nowhere/deep')).rejects.toMatchObject({ code: 'ENOENT' })
  await writeFile(join(folder, 'file'), '')
  await expect(makeFolders(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(makeFolders(join(folder, 'file', 'below'))).rejects.toMatchObject({
    code: 'EEXIST',
  })
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

test.skipIf(process.getuid?.() !== 0)(
  'what another user left private is not ours to touch, and stops nobody',
  async () => {
    const foreign = join(folder, `lifeboat-${await namespaceNumber()}-4194305-1-0123456789ab`)
    await mkdir(foreign)
    await chown(foreign, 65534, 65534)
    await using own = await createPrivateFolder(folder)
    expect((await readdir(folder)).map((name) => join(folder, name)).sort()).toEqual(
      [foreign, own.path].sort(),
    )
  },
)

test('what another container may be using is left alone', async () => {
  const elsewhere = join(folder, 'lifeboat-1-4194305-1-0123456789ab')
  await mkdir(elsewhere)
  await using own = await createPrivateFolder(folder)
  expect((await readdir(folder)).map((name) => join(folder, name)).sort()).toEqual(
    [elsewhere, own.path].sort(),
  )
})

async function namespaceNumber(): Promise<string> {
  return /\d+/.exec(await readlink('/proc/self/ns/pid'))?.[0] ?? ''
}

test('startTime tells a live process from one that never was', async () => {
  expect(await startTime(process.pid)).toBeGreaterThan(0)
  expect(await startTime(2 ** 22 + 1)).toBeUndefined()
})
