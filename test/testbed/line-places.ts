import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { fileNames } from './folder-contents.ts'
import { startS3Server } from './s3-server.ts'
import { startSshd } from './sshd.ts'

/** Where a sink is dialled instead: a proxy that breaks on command. */
export interface Detour {
  readonly host: string
  readonly port: number
}

/** A kind of sink as the tests of the whole line see it: looked at, and tampered with, past lifeboat. */
export interface LinePlace extends AsyncDisposable {
  /** What the server behind it listens at; undefined for a folder. */
  readonly address: Detour | undefined
  /** Added to the environment of a run. */
  readonly env: Readonly<Record<string, string>>
  /** A new, empty root for a sink. */
  newRoot(): Promise<LineRoot>
}

export interface LineRoot {
  url(detour?: Detour): Promise<string>
  /** All that is there but leases: objects, temp names, and uploads that are open as `upload:KEY`. */
  names(): Promise<readonly string[]>
  read(name: string): Promise<Buffer>
  replace(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
}

export async function startFilePlace(): Promise<LinePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-place-'))
  let roots = 0
  return {
    address: undefined,
    env: {},
    async newRoot() {
      const root = join(folder, String(++roots))
      await mkdir(root)
      return folderRoot(root, async () => `file://${root}`)
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

export async function startSshPlace(): Promise<LinePlace> {
  const server = await startSshd()
  const identity = await server.newKey('locked', 'ed25519', SSH_PASSPHRASE)
  await server.authorize(identity)
  let roots = 0
  return {
    address: { host: server.host, port: server.port },
    env: { SSH_PASSPHRASE },
    async newRoot() {
      const root = join(server.objects, String(++roots))
      await mkdir(root)
      return folderRoot(root, async ({ host, port } = server) => {
        const knownHosts = join(server.folder, `known_hosts_${port}`)
        const known = await readFile(server.knownHosts, 'utf8')
        // In one step: runs side by side read the same file, and must not meet it empty.
        const written = `${knownHosts}.${randomBytes(8).toString('hex')}`
        await writeFile(written, known.replaceAll(`:${server.port}`, `:${port}`))
        await rename(written, knownHosts)
        const query = new URLSearchParams({ identity, 'known-hosts': knownHosts, agent: 'none' })
        return `ssh://${server.user}@${host}:${port}${root}?${query}`
      })
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Of the key that logs in at an SSH place. */
export const SSH_PASSPHRASE = 'of the SSH key: Ärger'

/** One of them outlives every run: it belongs to no backup, and is no leftover either. */
export function isNoLease(name: string): boolean {
  return !/^[^/]+\/lease\/\d+\.json$/.test(name)
}

function folderRoot(root: string, url: LineRoot['url']): LineRoot {
  return {
    url,
    names: async () => (await fileNames(root)).filter(isNoLease),
    read: (name) => readFile(join(root, name)),
    replace: (name, bytes) => writeFile(join(root, name), bytes),
    remove: (name) => rm(join(root, name)),
  }
}

export async function startS3Place(): Promise<LinePlace> {
  const server = await startS3Server()
  const { hostname, port } = new URL(server.endpoint)
  const { client } = server
  return {
    address: { host: hostname, port: Number(port) },
    env: server.env,
    async newRoot() {
      const bucket = await server.newBucket()
      return {
        async url(detour) {
          const endpoint = detour === undefined ? server.endpoint : `http://${detour.host}:${detour.port}`
          const query = new URLSearchParams({ endpoint, region: server.region, 'path-style': 'true' })
          return `s3://${bucket}?${query}`
        },
        names: async () => (await server.names(bucket)).filter(isNoLease),
        async read(name) {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }))
          return Buffer.from((await Body?.transformToByteArray()) ?? [])
        },
        async replace(name, bytes) {
          await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes }))
        },
        async remove(name) {
          await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }))
        },
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** All kinds of sinks, by the requirement that each needs. */
export const LINE_PLACES = [
  { kind: 'file', requires: [], start: startFilePlace },
  { kind: 's3', requires: ['s3'], start: startS3Place },
  { kind: 'ssh', requires: ['ssh'], start: startSshPlace },
] as const
