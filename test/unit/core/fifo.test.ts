import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { readToolFile, writeToolFile } from '../../../src/core/fifo.ts'
import type { ToolCommand } from '../../../src/core/tool.ts'

const { signal } = new AbortController()
const shell =
  (script: string) =>
  (path: string): ToolCommand => ({
    name: 'filetool',
    command: ['/bin/sh'],
    args: ['-c', script, 'filetool', path],
  })

describe('readToolFile', () => {
  test('streams what a tool writes into a named file', async () => {
    const bytes = await collect(readToolFile(shell('echo chatter; head -c 3000000 /dev/zero > "$1"'), signal))
    expect(bytes.length).toBe(3_000_000)
  })

  test('several openings by the same tool are one stream as long as one stays open', async () => {
    const bytes = await collect(
      readToolFile(shell('exec 3> "$1"; printf a > "$1"; printf b > "$1"; printf c >&3'), signal),
    )
    expect(Buffer.from(bytes).toString()).toBe('abc')
  })

  test('a tool that fails after its last byte is a failure, with its own words', async () => {
    const reading = collect(
      readToolFile(shell('printf half > "$1"; echo "row 7 is broken" >&2; exit 1'), signal),
    )
    await expect(reading).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('row 7 is broken'),
    })
  })

  test('a tool that never opens the file and fails is a failure', async () => {
    await expect(
      collect(readToolFile(shell('echo "no such table" >&2; exit 1'), signal)),
    ).rejects.toMatchObject({
      message: expect.stringContaining('no such table'),
    })
  })

  test('a tool that exits 0 without opening the file ends with no bytes', async () => {
    expect(await collect(readToolFile(shell('exit 0'), signal))).toHaveLength(0)
  })

  test('tools that never open their file block nobody: ten wait, and files are still read', async () => {
    const controller = new AbortController()
    const waiting = Array.from({ length: 10 }, () =>
      collect(readToolFile(shell('exec sleep 1000'), controller.signal)),
    )
    const settled = Promise.allSettled(waiting)
    // Both need a thread of libuv's pool, of which there are four.
    expect((await readFile('/proc/self/stat')).length).toBeGreaterThan(0)
    await promisify(execFile)('true')
    controller.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    for (const result of await settled) expect(result).toMatchObject({ reason: { code: 'interrupted' } })
  })

  test('whoever stops reading early has the tool ended', async () => {
    const source = readToolFile(shell('exec yes > "$1"'), signal)
    expect((await source.next()).value?.length).toBeGreaterThan(0)
    await source.return(undefined)
  })

  test('what a tool that never ends has begun is ended too when nobody reads on', async () => {
    const source = readToolFile(shell('exec 3> "$1"; echo 1 >&3; exec sleep 1000'), signal)
    expect((await source.next()).value?.length).toBeGreaterThan(0)
    await source.return(undefined)
  })

  test('what the tool has said decides where its exit proves nothing', async () => {
    const inspect = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      expect([stdout, stderr]).toEqual(['3 rows\n', 'Msg 1\n'])
      throw new LifeboatError('integrity', '3 of 4 rows')
    }
    const source = readToolFile(shell('printf data > "$1"; echo 3 rows; echo Msg 1 >&2'), signal, { inspect })
    await expect(collect(source)).rejects.toMatchObject({ code: 'integrity', message: '3 of 4 rows' })
  })
})

async function* pieces(bytes: number, then: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= 65_536) yield new Uint8Array(Math.min(left, 65_536)).fill(65)
  then()
}

describe('writeToolFile', () => {
  test.each([0, 1, 3_000_000])('gives a tool %d bytes in a named file, then its end', async (bytes) => {
    const { stdout } = await writeToolFile(shell('wc -c < "$1"'), pieces(bytes), signal)
    expect(stdout.trim()).toBe(String(bytes))
  })

  test('a tool that opens late loses nothing', async () => {
    const { stdout } = await writeToolFile(shell('sleep 0.2; wc -c < "$1"'), pieces(10), signal)
    expect(stdout.trim()).toBe('10')
  })

  test('a tool that fails in the middle has its own words told', async () => {
    await expect(
      writeToolFile(shell('head -c 5 "$1" > /dev/null; echo "row 7" >&2; exit 1'), pieces(9_000_000), signal),
    ).rejects.toMatchObject({ code: 'tool-failed', message: expect.stringContaining('row 7') })
  })

  test.each(['exit 0', 'head -c 5 "$1" > /dev/null'])(
    'a tool that exits 0 without reading all: %s',
    async (script) => {
      await expect(writeToolFile(shell(script), pieces(9_000_000), signal)).rejects.toMatchObject({
        code: 'tool-failed',
        message: expect.stringContaining('did not read everything'),
      })
    },
  )

  test('a tool is ended, and sees no end of the file, when the input fails', async () => {
    const broken = pieces(100_000, () => {
      throw new LifeboatError('integrity', 'chunk 7 is damaged')
    })
    const folder = await mkdtemp(join(tmpdir(), 'fifo-'))
    try {
      const script = `cat "$1" > /dev/null && touch ${folder}/took-it-for-all`
      await expect(writeToolFile(shell(script), broken, signal)).rejects.toMatchObject({
        message: 'chunk 7 is damaged',
      })
      expect(await readdir(folder)).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a tool that never opens the file ends with the signal', async () => {
    const controller = new AbortController()
    const writing = writeToolFile(shell('exec sleep 1000'), pieces(10), controller.signal)
    controller.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    await expect(writing).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('a tool that stops reading ends with the signal', async () => {
    const controller = new AbortController()
    const stuck = pieces(9_000_000)
    const writing = writeToolFile(shell('exec 3< "$1"; exec sleep 1000'), stuck, controller.signal)
    await stuck.next()
    controller.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    await expect(writing).rejects.toMatchObject({ code: 'interrupted' })
  })

  test('what the tool has said decides where its exit proves nothing', async () => {
    const inspect = ({ stdout }: { stdout: string }) => {
      throw new LifeboatError('integrity', `it read ${stdout.trim()}`)
    }
    await expect(writeToolFile(shell('wc -c < "$1"'), pieces(5), signal, { inspect })).rejects.toMatchObject({
      message: 'it read 5',
    })
  })
})
