import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { wayPage } from '../../../src/app/way-page.ts'
import { loadWay, WAY_NAMES } from '../../../src/app/ways.ts'
import { ACCEPTABLE } from '../../../src/runbooks/way-flags.ts'
import { root } from './documents.ts'

const folder = join(root, 'docs/ways')

test.each(WAY_NAMES)('docs/ways/%s.md is what its plan says: npm run docs:ways', async (name) => {
  expect(await readFile(join(folder, `${name}.md`), 'utf8')).toBe(wayPage(await loadWay(name)))
})

test('each way has a page, and no page is left of one that is gone', async () => {
  expect((await readdir(folder)).sort()).toEqual(WAY_NAMES.map((name) => `${name}.md`).sort())
})

test('docs/migrate.md names every way and every danger', async () => {
  const text = await readFile(join(root, 'docs/migrate.md'), 'utf8')
  for (const name of WAY_NAMES) expect(text).toContain(`(ways/${name}.md)`)
  for (const danger of Object.keys(ACCEPTABLE)) expect(text).toContain(`\`${danger}\``)
})
