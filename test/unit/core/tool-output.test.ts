import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
