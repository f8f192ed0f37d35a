import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readDocument, root } from './documents.ts'

const { prose } = await readDocument(join(root, 'docs/lessons.md'))
const rows = prose.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| What goes'))
const held = rows.map((row) => row.split(' | ').at(-1) ?? '')
const names = held.flatMap((cell) =>
  [...cell.matchAll(/`(test\/[^`]+)` "([^"]+)"/g)].map(([, file = '', name = '']) => [file, name] as const),
)

describe('docs/lessons.md', () => {
  test('names a test for each line', () => {
    expect(rows.length).toBeGreaterThan(20)
    for (const cell of held) expect(cell).toMatch(/`test\/[^`]+` "[^"]+"/)
  })

  test.each(names)('%s has "%s"', async (file, name) => {
    expect(await readFile(join(root, file), 'utf8')).toContain(name)
  })
})
