import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { readToolFile } from '../../../src/core/fifo.ts'
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
})
