import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { once } from '../../src/core/bytes.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { fileNames } from '../testbed/folder-contents.ts'
import { inPieces, sampleBytes } from '../testbed/sample-bytes.ts'
import { mountSmallDisk, type SmallDisk } from '../testbed/small-disk.ts'

const { signal } = new AbortController()
const DISK_BYTES = 4 * 1024 * 1024

describe('a folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-test-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

  test('is made, for the owner alone', async () => {
    const root = join(folder, 'new', 'root')
    const sink = createFileSink({ folder: root })
    await expect(sink.list('', signal)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'sink-not-found',
      hint: expect.stringContaining('mounted'),
    })
    expect(await sink.stat('a/b', signal)).toBeUndefined()
    expect(await sink.sweep('', new Date(), signal)).toEqual([])
    await sink.delete(['a/b'], signal)
    await sink.write('a/b', once(Buffer.from('x')), { signal })
    expect([await mode(join(folder, 'new')), await mode(root), await mode(join(root, 'a'))]).toEqual([
      '700',
      '700',
      '700',
    ])
    expect(await mode(join(root, 'a', 'b'))).toBe('600')
  })

  test('loses its empty folders with their last object, but not the root', async () => {
    const sink = createFileSink({ folder })
    await sink.write('a/b/c', once(Buffer.from('x')), { signal })
    await sink.write('a/d', once(Buffer.from('x')), { signal })
    await sink.delete(['a/b/c'], signal)
    expect(await readdir(join(folder, 'a'))).toEqual(['d'])
    await sink.delete(['a/d'], signal)
    expect(await readdir(folder)).toEqual([])
  })

  test('is not left through a key', async () => {
    const sink = createFileSink({ folder: join(folder, 'root') })
    await writeFile(join(folder, 'outside'), 'x')
    for (const key of ['../outside', 'a/../../outside', '/etc/passwd', '.', 'a//b']) {
      const refused = { code: 'usage' }
      await expect(sink.write(key, once(Buffer.from('x')), { signal })).rejects.toMatchObject(refused)
      await expect(sink.read(key, { offset: 0, bytes: 1 }, signal)).rejects.toMatchObject(refused)
      await expect(sink.stat(key, signal)).rejects.toMatchObject(refused)
      await expect(sink.delete([key], signal)).rejects.toMatchObject(refused)
      expect(() => sink.byHand([key])).toThrow(expect.objectContaining(refused))
    }
    expect(await fileNames(folder)).toEqual(['outside'])
  })

  test('is not left through a symbolic link, and links are no objects', async () => {
    const root = join(folder, 'root')
    await mkdir(join(folder, 'elsewhere'))
    await mkdir(root)
    await writeFile(join(folder, 'elsewhere', 'secret'), 'x')
    await symlink(join(folder, 'elsewhere'), join(root, 'job'))
    await symlink(join(folder, 'elsewhere', 'secret'), join(root, 'link'))
    const sink = createFileSink({ folder: root })
    const out = { code: 'sink-denied', message: expect.stringContaining('symbolic link') }
    await expect(sink.write('job/new', once(Buffer.from('x')), { signal })).rejects.toMatchObject(out)
    await expect(sink.read('job/secret', { offset: 0, bytes: 1 }, signal)).rejects.toMatchObject(out)
    await expect(sink.delete(['job/secret'], signal)).rejects.toMatchObject(out)
    await expect(sink.read('link', { offset: 0, bytes: 1 }, signal)).rejects.toMatchObject({
      code: 'sink-denied',
    })
    expect(await sink.stat('link', signal)).toBeUndefined()
    expect(await Array.fromAsync(sink.list('', signal))).toEqual([])
    expect(await fileNames(join(folder, 'elsewhere'))).toEqual(['secret'])
  })

  test('whose name is a file, or whose object is a folder, is refused with both names', async () => {
    await writeFile(join(folder, 'file'), 'x')
    await mkdir(join(folder, 'object'))
    const onFile = createFileSink({ folder: join(folder, 'file') })
    await expect(onFile.write('a', once(Buffer.from('x')), { signal })).rejects.toMatchObject({
      code: 'sink-denied',
      message: expect.stringContaining(join(folder, 'file')),
    })
    const sink = createFileSink({ folder })
    await expect(sink.write('object', once(Buffer.from('x')), { signal })).rejects.toMatchObject({
      code: 'sink-denied',
    })
    expect(await fileNames(folder)).toEqual(['file'])
  })

  test('shows nothing of a writer that was killed, and is swept', async () => {
    const script = `
      import { createFileSink } from ${JSON.stringify(join(import.meta.dirname, '../../src/sinks/file/index.ts'))}
      async function* body() {
        yield Buffer.alloc(100_000)
        console.log('begun')
        await new Promise(() => setInterval(() => {}, 1000))
      }
      await createFileSink({ folder: ${JSON.stringify(folder)} }).write('a/b', body(), { signal: new AbortController().signal })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => child.on('exit', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.kill('SIGKILL')
    await ended
    const sink = createFileSink({ folder })
    expect(await sink.stat('a/b', signal)).toBeUndefined()
    expect(await Array.fromAsync(sink.list('', signal))).toEqual([])
    expect(await fileNames(folder)).toHaveLength(1)
    expect(await sink.sweep('a/', new Date(Date.now() + 60_000), signal)).toHaveLength(1)
    expect(await readdir(folder)).toEqual([])
  })
})

const mayMount = await mountSmallDisk(DISK_BYTES).then(async (disk) => {
  await disk?.[Symbol.asyncDispose]()
  return disk !== undefined
})

describe.skipIf(!mayMount)('a disk of its own (needs the right to mount)', () => {
  let disk: SmallDisk
  beforeEach(async () => {
    disk = (await mountSmallDisk(DISK_BYTES)) as SmallDisk
  })
  afterEach(() => disk[Symbol.asyncDispose]())

  test('that is full is `sink-full`, and keeps nothing of the object but all of the others', async () => {
    const sink = createFileSink({ folder: disk.path })
    await sink.write('first', inPieces(sampleBytes(1_000_000)), { signal })
    const write = sink.write('a/second', inPieces(sampleBytes(DISK_BYTES)), { signal })
    await expect(write).rejects.toMatchObject({ code: 'sink-full', hint: expect.stringContaining('df -h') })
    expect(await readdir(disk.path)).toEqual(['first'])
    const read = await sink.read('first', { offset: 0, bytes: 1_000_000 }, signal)
    expect(sampleBytes(1_000_000).equals(read)).toBe(true)
  })

  test('that is mounted read-only is `sink-denied`', async () => {
    const sink = createFileSink({ folder: disk.path })
    await sink.write('a/b', once(Buffer.from('x')), { signal })
    await disk.remount('ro')
    const denied = { code: 'sink-denied', hint: expect.stringContaining('remount,rw') }
    await expect(sink.write('a/c', once(Buffer.from('x')), { signal })).rejects.toMatchObject(denied)
    // Where folders are missing too, as at the first write of a dump.
    await expect(sink.write('b/c/d', once(Buffer.from('x')), { signal })).rejects.toMatchObject(denied)
    await expect(sink.delete(['a/b'], signal)).rejects.toMatchObject(denied)
    expect(await fileNames(disk.path)).toEqual(['a/b'])
  })
})
