import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { newTempName } from '../../src/core/object-key.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { describeSink } from './sink-suite.ts'

describeSink('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-test-'))
  return {
    sink: createFileSink({ folder }),
    cleanup: () => rm(folder, { recursive: true }),
    raw: {
      async names() {
        const found = await readdir(folder, { recursive: true, withFileTypes: true })
        const files = found.filter((entry) => !entry.isDirectory())
        return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort()
      },
      async abandonWrite(key) {
        const path = join(folder, key)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(join(dirname(path), newTempName(key.split('/').at(-1) ?? '')), 'half of it')
      },
    },
  }
})
