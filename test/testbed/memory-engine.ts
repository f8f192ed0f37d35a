import { createHash } from 'node:crypto'
import type { Bytes } from '../../src/core/bytes.ts'
import type { Contents, TableCount } from '../../src/core/contents.ts'
import type { Engine, Occupancy, Part, PartSource, Probe, Sameness } from '../../src/core/engine.ts'
import type { Finding } from '../../src/core/finding.ts'

export interface MemoryPart {
  readonly name: string
  readonly data: Buffer | (() => Bytes)
}

export interface MemoryEngineOptions {
  readonly parts?: readonly MemoryPart[]
  readonly findings?: readonly Finding[]
  readonly occupied?: Occupancy
  readonly sameness?: Sameness['verdict']
  readonly tables?: readonly TableCount[]
  /** What `count` finds, where it differs from `tables`. */
  readonly counted?: readonly TableCount[]
  readonly finish?: () => void
  readonly committed?: () => Promise<void>
  readonly disposed?: () => void
  /** Stops the restore after that many parts, with this error. */
  readonly restoreFails?: { readonly after: number; readonly error: Error }
}

export interface MemoryEngine extends Engine {
  /** What a restore has brought here, by part. */
  readonly restored: Map<string, Buffer>
  readonly released: string[]
  readonly restores: { replace: boolean }[]
}

/** A "server" that keeps its parts in memory: for tests of the use cases, not of any database. */
export function createMemoryEngine(options: MemoryEngineOptions = {}): MemoryEngine {
  const parts = options.parts ?? []
  const restored = new Map<string, Buffer>()
  const released: string[] = []
  const restores: { replace: boolean }[] = []
  const tables = options.tables ?? []
  return {
    name: 'memory',
    target: 'memory://server',
    restored,
    released,
    restores,
    async probe(): Promise<Probe> {
      return {
        flavour: 'Memory',
        serverVersion: '1.0',
        identity: { server: 'a' },
        tools: [{ name: 'memdump', vendor: 'test', version: '1.0' }],
        databases: [{ name: 'shop' }],
        findings: options.findings ?? [],
      }
    },
    dump() {
      return {
        parts: (async function* (): AsyncGenerator<Part> {
          for (const part of parts) {
            yield {
              name: part.name,
              format: 'sql',
              open: () => (typeof part.data === 'function' ? part.data() : oneByOne(part.data)),
              release: async () => {
                released.push(part.name)
              },
            }
          }
        })(),
        async finish() {
          options.finish?.()
          const contents: Omit<Contents, 'parts'> = {
            format: 1,
            databases: [{ name: 'shop' }],
            tables: [...tables],
            byHand: parts.map(() => 'memload'),
            engine: {},
          }
          return {
            contents,
            consistency: 'one snapshot',
            notCaptured: [{ what: 'accounts', reason: 'test' }],
            warnings: ["table 'secret_name' is MyISAM"],
          }
        },
        ...(options.committed !== undefined && { committed: options.committed }),
        async [Symbol.asyncDispose]() {
          options.disposed?.()
        },
      }
    },
    async occupied() {
      return options.occupied ?? { conflicts: [], others: [] }
    },
    compareIdentity: () => ({ verdict: options.sameness ?? 'different', reason: 'by test' }),
    async restore(source: PartSource, { replace }, signal) {
      restores.push({ replace })
      for (const [position, part] of source.parts.entries()) {
        if (options.restoreFails?.after === position) throw options.restoreFails.error
        const pieces: Uint8Array[] = []
        for await (const piece of source.open(part.name, signal)) pieces.push(Uint8Array.from(piece))
        restored.set(part.name, Buffer.concat(pieces))
      }
      return { restored: source.parts.map((part) => part.name), notRestored: [], warnings: [] }
    },
    count: async () => options.counted ?? tables,
    byHand: () => 'memload',
    async [Symbol.asyncDispose]() {},
  }
}

async function* oneByOne(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += 100_000) yield data.subarray(offset, offset + 100_000)
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
