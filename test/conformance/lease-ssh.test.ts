import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { lacks } from '../testbed/requirement.ts'
import { openSshSink } from '../testbed/ssh-sink.ts'
import { type Sshd, startSshd } from '../testbed/sshd.ts'
import { describeLease } from './lease-suite.ts'

describe.skipIf(lacks('ssh'))('over a real sshd', () => {
  let server: Sshd
  beforeAll(async () => {
    server = await startSshd()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  describeLease('an SSH host', async () => {
    const folder = await mkdtemp(join(server.objects, 'lease-'))
    const sinks = [openSshSink(server, folder), openSshSink(server, folder)] as const
    return {
      sinks,
      async cleanup() {
        await Promise.all(sinks.map((sink) => sink[Symbol.asyncDispose]()))
      },
    }
  })
})
