import { userInfo } from 'node:os'
import type { Stats } from 'ssh2'
import { LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { keySteps, tempNameOf } from '../../core/object-key.ts'
import type { SecretSource } from '../../core/secret.ts'
import { shellQuote } from '../../core/shell-quote.ts'
import type { ObjectInfo, Sink } from '../../core/sink.ts'
import { createSlots } from '../../core/slots.ts'
import { readRange } from './read.ts'
import { createSshSessions, type SshSession } from './session.ts'
import { createSftp, type Sftp, walkFiles } from './sftp.ts'
import { DEFAULT_TIMEOUTS, type SshSinkAddress } from './url.ts'
import { type RemotePlace, writeRemoteFile } from './write.ts'

export { parseSshSinkUrl, type SshSinkAddress, type SshTimeouts } from './url.ts'

export interface SshSinkOptions extends SshSinkAddress {
  readonly password?: SecretSource
  /** Of the private key files. */
  readonly passphrase?: SecretSource
  /** Used unless the address names an agent, or none. */
  readonly agentSocket?: string
  /** Local home folder, for ~/.ssh. */
  readonly home: string
}

/** sshd lets one connection have 10 sessions (MaxSessions): one is SFTP, some it has not cleared away yet. */
const COMMANDS_AT_ONCE = 6
const DELETES_AT_ONCE = 16

/** Objects as files on a host with sshd, sh, cat and SFTP: no lifeboat is needed there. */
export function createSshSink(options: SshSinkOptions): Sink {
  const { host, port, folder: root } = options
  const user = options.user ?? userInfo().username
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const authority = `${host.includes(':') ? `[${host}]` : host}${port === 22 ? '' : `:${port}`}`
  const name = `ssh://${user}@${authority}${root.startsWith('/') ? root : `/~${root.slice(1)}`}`
  const pathFor = (key: string) => `${root}/${keySteps(key).join('/')}`
  const agent = options.agent ?? options.agentSocket

  const sessions = createSshSessions({
    ...options,
    name,
    user,
    timeouts,
    password: options.password,
    passphrase: options.passphrase,
    agentSocket: agent === 'none' ? undefined : agent?.replace(/^~(?=\/)/, options.home),
  })
  const place: RemotePlace = {
    sessions,
    root,
    timeouts,
    slots: createSlots(COMMANDS_AT_ONCE),
    name: (path) => `${name}${path.slice(root.length)}`,
    sftp: (session: SshSession, signal: AbortSignal) =>
      createSftp(session, place.name, timeouts.stallMs, signal),
  }
  async function open(signal: AbortSignal): Promise<Sftp> {
    throwIfAborted(signal)
    return place.sftp(await sessions.current(signal), signal)
  }
  const infoOf = (key: string, stats: Stats): ObjectInfo => ({
    key,
    bytes: stats.size,
    modified: new Date(stats.mtime * 1000),
  })

  return {
    scheme: 'ssh',
    name,
    traits: { exclusiveCreate: true, maxChunks: Number.POSITIVE_INFINITY, attests: 'bytes' },
    async write(key, body, writeOptions) {
      return infoOf(key, await writeRemoteFile(place, pathFor(key), body, writeOptions))
    },
    async read(key, range, signal) {
      return readRange(await open(signal), pathFor(key), range, signal)
    },
    async stat(key, signal) {
      const stats = await (await open(signal)).lstat(pathFor(key))
      return stats?.isFile() === true ? infoOf(key, stats) : undefined
    },
    async *list(prefix, signal) {
      const sftp = await open(signal)
      if ((await sftp.lstat(`${root}/.`))?.isDirectory() !== true) throw noRoot(name, root)
      for await (const { folder, name: step, bytes, modified } of walkFiles(sftp, root, prefix, signal)) {
        const key = `${folder}${step}`
        if (key.startsWith(prefix) && tempNameOf(step) === undefined) yield { key, bytes, modified }
      }
    },
    async delete(keys, signal) {
      const sftp = await open(signal)
      const queue = keys.map(pathFor).values()
      const folders = new Set<string>()
      const worker = async () => {
        for (const path of queue) {
          throwIfAborted(signal)
          if (!(await isDeletable(sftp, path))) continue
          if (await sftp.unlink(path)) folders.add(path.slice(0, path.lastIndexOf('/')))
        }
      }
      await Promise.all(Array.from({ length: DELETES_AT_ONCE }, worker))
      for (const folder of folders) await sftp.removeEmptyFolders(root, folder)
    },
    async sweep(prefix, olderThan, signal) {
      const sftp = await open(signal)
      const removed: string[] = []
      for await (const { folder, name: step, modified } of walkFiles(sftp, root, prefix, signal)) {
        const own = tempNameOf(step)
        if (own === undefined || !`${folder}${own}`.startsWith(prefix) || modified >= olderThan) continue
        await sftp.unlink(`${root}/${folder}${step}`)
        await sftp.removeEmptyFolders(root, `${root}/${folder}`.replace(/\/$/, ''))
        removed.push(`${folder}${step}`)
      }
      return removed
    },
    byHand(keys) {
      const named = (flag: string, files: readonly string[]) => files.flatMap((file) => [flag, file])
      const ssh = [
        'ssh',
        ...(port === 22 ? [] : ['-p', String(port)]),
        ...named('-i', options.identities),
        ...named(
          '-o',
          options.certificates.map((file) => `CertificateFile=${file}`),
        ),
        ...named('-o', options.knownHosts === undefined ? [] : [`UserKnownHostsFile=${options.knownHosts}`]),
        `${user}@${host}`,
      ]
      const cat = ['cat', ...keys.map(pathFor)].map(shellQuote).join(' ')
      return [...ssh.map(shellQuote), shellQuote(cat)].join(' ')
    },
    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  }
}

/** Some servers unlink empty folders too: only what is no folder is an object. */
async function isDeletable(sftp: Sftp, path: string): Promise<boolean> {
  return (await sftp.lstat(path))?.isDirectory() === false
}

/** A folder that is not there is a wrong name or an unmounted disk, which must not look like "no backups". */
function noRoot(name: string, root: string): LifeboatError {
  return new LifeboatError('sink-not-found', `unable to list '${name}': there is no such folder`, {
    hint: `Look at its name and whether its disk is mounted there (ls -ld ${shellQuote(root)}; findmnt); the first dump makes it.`,
  })
}
