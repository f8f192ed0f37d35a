import { execFile, spawn } from 'node:child_process'
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPrivateFolder, sweepPrivateFolders } from '../../../src/core/private-folder.ts'

const run = promisify(execFile)

describe('private folder', () => {
  /** On one file system with the folders, so that a hard link shows what became of the bytes. */
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'private-folder-test-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const modeOf = async (path: string) => (await lstat(path)).mode & 0o777

  test('is its owner’s alone, its files too, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      await using folder = await createPrivateFolder(root)
      expect(await modeOf(folder.path)).toBe(0o700)
      expect(await modeOf(await folder.file('secret', 'hush'))).toBe(0o600)
      await expect(folder.file('secret', 'again')).rejects.toMatchObject({ code: 'EEXIST' })
    } finally {
      process.umask(before)
    }
    expect(await readdir(root)).toEqual([])
  })

  test('goes with a process that ends while it is in use, its bytes first', async () => {
    const kept = join(root, 'kept')
    const program = `
      import { linkSync } from 'node:fs'
      import { createPrivateFolder } from ${JSON.stringify(new URL('../../../src/core/private-folder.ts', import.meta.url).href)}
      const folder = await createPrivateFolder(${JSON.stringify(root)})
      linkSync(await folder.file('secret', 'hush'), ${JSON.stringify(kept)})
      createPrivateFolder(${JSON.stringify(root)})
      process.exit(0)`
    await run(process.execPath, ['--input-type=module', '--eval', program])
    expect(await readdir(root)).toEqual(['kept'])
    expect(await readFile(kept)).toEqual(Buffer.alloc(4))
  })

  test('is on tmpfs where there is one', async () => {
    await using folder = await createPrivateFolder()
    const tmpfs = 0x01021994
    const shm = await statfs('/dev/shm').catch(() => undefined)
    expect(dirname(folder.path)).toBe(shm?.type === tmpfs ? '/dev/shm' : tmpdir())
  })

  test('overwrites what it held, of whatever length and mode, and in folders within', async () => {
    const sizes = { short: 4, empty: 0, long: 2 * 1024 * 1024 + 17, 'read-only': 100, 'in/nested': 300 }
    {
      await using folder = await createPrivateFolder(root)
      await mkdir(join(folder.path, 'in'), { mode: 0o700 })
      for (const [name, bytes] of Object.entries(sizes)) {
        const path = await folder.file(name, 'x'.repeat(bytes))
        await link(path, join(root, basename(name)))
      }
      await chmod(join(folder.path, 'read-only'), 0o400)
    }
    expect((await readdir(root)).toSorted()).toEqual(
      Object.keys(sizes)
        .map((name) => basename(name))
        .toSorted(),
    )
    for (const [name, bytes] of Object.entries(sizes)) {
      expect((await readFile(join(root, basename(name)))).equals(Buffer.alloc(bytes))).toBe(true)
    }
  })

  test('neither follows links nor waits for FIFOs', async () => {
    const elsewhere = join(root, 'elsewhere')
    await mkdir(elsewhere)
    await writeFile(join(elsewhere, 'mine'), 'precious')
    {
      await using folder = await createPrivateFolder(root)
      await symlink(join(elsewhere, 'mine'), join(folder.path, 'to-file'))
      await symlink(elsewhere, join(folder.path, 'to-folder'))
      await run('mkfifo', [join(folder.path, 'pipe')])
    }
    expect(await readdir(root)).toEqual(['elsewhere'])
    expect(await readFile(join(elsewhere, 'mine'), 'utf8')).toBe('precious')
  })

  test('minds neither a file nor a whole folder that is gone', async () => {
    const folder = await createPrivateFolder(root)
    await rm(await folder.file('gone', 'x'))
    await folder[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
    expect(await readdir(root)).toEqual([])
  })

  test('removes what can not be overwritten, and says so', async () => {
    const folder = await createPrivateFolder(root)
    const program = join(folder.path, 'busy')
    await copyFile('/bin/sleep', program)
    await chmod(program, 0o700)
    // A program that runs can't be written to (ETXTBSY), not even by root.
    const child = spawn(program, ['60'])
    const gone = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.once('spawn', resolve))
    await expect(folder[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/^unable to overwrite scratch file '.*busy': .*ETXTBSY/),
      hint: expect.stringMatching(/^It was removed/),
    })
    expect(await readdir(root)).toEqual([])
    child.kill()
    await gone
  })

  test('of a process that is gone is overwritten by the next', async () => {
    const mine = await createPrivateFolder(root)
    const [, namespace = ''] = /^lifeboat-(\d+)-/.exec(basename(mine.path)) ?? []
    // No process has this start time: the boot of the machine itself.
    const left = join(root, `lifeboat-${namespace}-${process.pid}-1-0123456789ab`)
    await mkdir(left, { mode: 0o700 })
    await writeFile(join(left, 'secret'), 'hush')
    await link(join(left, 'secret'), join(root, 'bytes'))
    expect(await sweepPrivateFolders(root)).toEqual([left])
    expect((await readdir(root)).toSorted()).toEqual(['bytes', basename(mine.path)].toSorted())
    expect(await readFile(join(root, 'bytes'))).toEqual(Buffer.alloc(4))
    await mine[Symbol.asyncDispose]()
  })
})
