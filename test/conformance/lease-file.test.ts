import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { describeLease } from './lease-suite.ts'

describeLease('a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-lease-'))
  return {
    sinks: [createFileSink({ folder }), createFileSink({ folder })],
    cleanup: () => rm(folder, { recursive: true }),
  }
})
