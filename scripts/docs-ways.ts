import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WAY_PAGES, wayPage } from '../src/app/way-page.ts'

const folder = join(import.meta.dirname, '../docs/ways')
await mkdir(folder, { recursive: true })
for (const { file, load } of WAY_PAGES) await writeFile(join(folder, file), wayPage(await load()))
