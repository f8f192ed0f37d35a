import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { giveBack } from '../../../src/core/loan.ts'
import { createToolOutput } from '../../../src/core/tool-output.ts'

test('a folder whose name is too long for a socket is said, and nothing is left in it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lifeboat-'))
  try {
    const folder = join(root, 'x'.repeat(100))
    await mkdir(folder)
    await expect(createToolOutput(folder)).rejects.toMatchObject({
      code: 'config',
      hint: expect.stringContaining('TMPDIR'),
    })
    expect(await readdir(folder)).toEqual([])
  } finally {
    await rm(root, { recursive: true })
  }
})

test('what a slow tool writes comes though it writes no more, and all that follows comes unchanged', async () => {
  using output = await createToolOutput()
  const pieces = output.read()[Symbol.asyncIterator]()
  const written: Buffer[] = []
  const read: Buffer[] = []
  let missing = 0
  for (const bytes of [5, 1, 200_000, 448 * 1024, 3, 512 * 1024, 3_000_000, 70_000]) {
    const piece = randomBytes(bytes)
    written.push(piece)
    missing += bytes
    output.theirs.write(piece)
    while (missing > 0) {
      const { value } = await pieces.next()
      read.push(Buffer.from(value))
      missing -= value.length
      if (read.length % 2 === 0) giveBack(value)
    }
  }
  output.theirs.write('the end')
  output.toolEnded()
  for (let next = await pieces.next(); next.done !== true; next = await pieces.next())
    read.push(Buffer.from(next.value))
  expect(Buffer.concat(read).equals(Buffer.concat([...written, Buffer.from('the end')]))).toBe(true)
})
