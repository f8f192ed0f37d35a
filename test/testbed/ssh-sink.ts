import { createSshSink, parseSshSinkUrl, type SshSinkOptions } from '../../src/sinks/ssh/index.ts'
import type { Sshd } from './sshd.ts'

/** Options for a sink below the server's own folder, with its key and its known hosts and nothing of the machine's. */
export function sshSinkOptions(
  server: Sshd,
  folder: string,
  changes: Partial<SshSinkOptions> = {},
): SshSinkOptions {
  const query = new URLSearchParams({
    identity: server.identity,
    'known-hosts': server.knownHosts,
    agent: 'none',
  })
  const address = parseSshSinkUrl(`ssh://${server.user}@${server.host}:${server.port}${folder}?${query}`)
  return { ...address, home: server.folder, ...changes }
}

export function openSshSink(server: Sshd, folder: string, changes: Partial<SshSinkOptions> = {}) {
  return createSshSink(sshSinkOptions(server, folder, changes))
}
