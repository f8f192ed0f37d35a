import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { abandonWrite, fileNames } from '../testbed/folder-contents.ts'
import { describeSink } from './sink-suite.ts'

describeSink('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-test-'))
  return {
    sink: createFileSink({ folder }),
    cleanup: () => rm(folder, { recursive: true }),
    raw: { names: () => fileNames(folder), abandonWrite: (key) => abandonWrite(folder, key) },
  }
})
