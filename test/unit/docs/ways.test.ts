import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { WAY_PAGES, wayPage } from '../../../src/app/way-page.ts'
import { WAY_NAMES } from '../../../src/app/ways.ts'
import { CUTOVERS } from '../../../src/runbooks/cutover-options.ts'
import { ACCEPTABLE } from '../../../src/runbooks/way-flags.ts'
import { root } from './documents.ts'

const folder = join(root, 'docs/ways')

test.each(WAY_PAGES)('docs/ways/$file is what its plan says: npm run docs:ways', async ({ file, load }) => {
  expect(await readFile(join(folder, file), 'utf8')).toBe(wayPage(await load()))
})

test('each way has a page, and no page is left of one that is gone', async () => {
  expect((await readdir(folder)).sort()).toEqual(WAY_PAGES.map(({ file }) => file).sort())
})

test('docs/migrate.md names every way and every danger', async () => {
  const text = await readFile(join(root, 'docs/migrate.md'), 'utf8')
  for (const name of WAY_NAMES) expect(text).toContain(`(ways/${name}.md)`)
  for (const danger of Object.keys(ACCEPTABLE)) expect(text).toContain(`\`${danger}\``)
})

test('docs/cutover.md names each of its pages', async () => {
  const text = await readFile(join(root, 'docs/cutover.md'), 'utf8')
  for (const kind of CUTOVERS) expect(text).toContain(`(ways/cutover-${kind}.md)`)
})
