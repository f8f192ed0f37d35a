import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wayPage } from '../src/app/way-page.ts'
import { loadWay, WAY_NAMES } from '../src/app/ways.ts'

const folder = join(import.meta.dirname, '../docs/ways')
await mkdir(folder, { recursive: true })
for (const name of WAY_NAMES) await writeFile(join(folder, `${name}.md`), wayPage(await loadWay(name)))
