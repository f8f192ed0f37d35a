import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSink } from '../../src/app/registry.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Sink } from '../../src/core/sink.ts'
import { fileNames } from '../testbed/folder-contents.ts'
import {
  type Detour,
  type LinePlace,
  SSH_PASSPHRASE,
  startFilePlace,
  startS3Place,
  startSshPlace,
} from '../testbed/line-places.ts'
import { createMemorySink } from '../testbed/memory-sink.ts'
import { mountSmallDisk } from '../testbed/small-disk.ts'
import type { ChaosSink } from './plan.ts'

/** A new, empty place for the backups of one run. */
export interface ChaosRoot extends AsyncDisposable {
  /** Undefined for the memory sink, which no other process sees. */
  readonly url: ((detour?: Detour) => Promise<string>) | undefined
  /** What the server behind it listens at. */
  readonly address: Detour | undefined
  readonly env: Readonly<Record<string, string>>
  open(stateFolder: string, detour?: Detour): Promise<Sink>
  /** Everything that is there: temp names, and open uploads as `upload:KEY`, too. */
  names(): Promise<readonly string[]>
}

export interface ChaosRoots extends AsyncDisposable {
  newRoot(kind: ChaosSink, maxChunks: number): Promise<ChaosRoot>
  /** On a disk of its own with so much room; undefined where this process may not mount one. */
  newDisk(bytes: number): Promise<(ChaosRoot & { readonly path: string }) | undefined>
}

const START: Readonly<Record<Exclude<ChaosSink, 'memory'>, () => Promise<LinePlace>>> = {
  file: startFilePlace,
  ssh: startSshPlace,
  s3: startS3Place,
}

/** Servers are started when they are first needed, and live until the end. */
export function createRoots(): ChaosRoots {
  const places = new Map<ChaosSink, Promise<LinePlace>>()
  return {
    async newRoot(kind, maxChunks) {
      if (kind === 'memory') return memoryRoot(maxChunks)
      const place = places.get(kind) ?? START[kind]()
      places.set(kind, place)
      const { address, env, newRoot } = await place
      const root = await newRoot()
      return {
        url: root.url,
        address,
        env,
        open: async (stateFolder, detour) => open(await root.url(detour), stateFolder),
        names: root.names,
        [Symbol.asyncDispose]: async () => undefined,
      }
    },
    async newDisk(bytes) {
      const disk = await mountSmallDisk(bytes)
      if (disk === undefined) return undefined
      const path = join(disk.path, 'root')
      const url = async () => `file://${path}`
      return {
        path: disk.path,
        url,
        address: undefined,
        env: {},
        open: async (stateFolder) => open(await url(), stateFolder),
        names: async () => fileNames(path).catch(() => []),
        [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
      }
    },
    async [Symbol.asyncDispose]() {
      for (const place of places.values()) await (await place)[Symbol.asyncDispose]()
    },
  }
}

function memoryRoot(maxChunks: number): ChaosRoot {
  const sink = createMemorySink({ traits: { maxChunks } })
  return {
    url: undefined,
    address: undefined,
    env: {},
    open: async () => sink,
    names: async () => [...sink.objects.keys()].sort(),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function open(url: string, stateFolder: string): Promise<Sink> {
  return openSink(url, {
    home: stateFolder,
    stateFolder,
    agentSocket: undefined,
    password: undefined,
    passphrase: async () => new Secret(SSH_PASSPHRASE),
  })
}

export async function newFolder(name: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), `lifeboat-chaos-${name}-`))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
