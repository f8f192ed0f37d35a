import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../../src/core/errors.ts'
import { readDocument, root } from './documents.ts'

const { prose } = await readDocument(join(root, 'docs/errors.md'))
const rows = [...prose.matchAll(/^\| (\d+) \| (?:`([a-z-]+)` )?\|(.*)\|$/gm)].map(
  ([, exit, code, rest = '']) => ({
    exit: Number(exit),
    code,
    cells: rest.split(' | ').map((cell) => cell.trim()),
  }),
)

test('docs/errors.md lists every code with its exit status, and no other', () => {
  const listed = rows.filter(({ code }) => code !== undefined).map(({ code, exit }) => `${exit} ${code}`)
  const known = Object.entries(ERROR_CODES).map(([code, { exit }]) => `${exit} ${code}`)
  expect(listed.toSorted()).toEqual(known.toSorted())
})

test('each line says what it means, what is safe and what to do', () => {
  for (const { exit, cells } of rows) {
    expect(cells, `exit ${exit}`).toHaveLength(3)
    for (const cell of cells) expect(cell, `exit ${exit}`).not.toBe('')
  }
})

test('it names exactly the codes after which another try may help', () => {
  const sentence = /Another try of the same command may help with ([^.]*)\./s.exec(prose)?.[1] ?? ''
  const named = [...sentence.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code)
  const retryable = Object.entries(ERROR_CODES).flatMap(([code, facts]) => (facts.retryable ? [code] : []))
  expect(named.toSorted()).toEqual(retryable.toSorted())
})
