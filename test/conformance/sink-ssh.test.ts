import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { abandonWrite, fileNames } from '../testbed/folder-contents.ts'
import { lacks } from '../testbed/requirement.ts'
import { openSshSink } from '../testbed/ssh-sink.ts'
import { type Sshd, startSshd } from '../testbed/sshd.ts'
import { describeSink } from './sink-suite.ts'

describe.skipIf(lacks('ssh'))('over a real sshd', () => {
  let server: Sshd
  beforeAll(async () => {
    server = await startSshd()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  describeSink(
    'ssh',
    async () => {
      const folder = await mkdtemp(join(server.objects, "it's a folder "))
      const sink = openSshSink(server, encodeURI(folder))
      return {
        sink,
        async cleanup() {
          await sink[Symbol.asyncDispose]()
          await rm(folder, { recursive: true })
        },
        raw: { names: () => fileNames(folder), abandonWrite: (key) => abandonWrite(folder, key) },
      }
    },
    // Each write starts two commands; a listing over SFTP has no pages, but takes folders in batches of 100.
    { manyKeys: 250 },
  )
})
