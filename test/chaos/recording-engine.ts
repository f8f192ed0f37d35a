import type { TableCount } from '../../src/core/contents.ts'
import type { Engine, PartSource } from '../../src/core/engine.ts'
import { createMemoryEngine } from '../testbed/memory-engine.ts'

export interface RecordingEngine extends Engine {
  /** Every byte that was fed, by part: also of parts that never came to their end. */
  readonly fed: ReadonlyMap<string, Buffer>
  /** Parts that were fed to their end. */
  readonly whole: ReadonlySet<string>
  readonly fedBytes: () => number
}

/** A "server" that remembers each byte which reaches it. */
export function createRecordingEngine(tables: readonly TableCount[] = []): RecordingEngine {
  const pieces = new Map<string, Uint8Array[]>()
  const whole = new Set<string>()
  return {
    ...createMemoryEngine({ tables }),
    get fed() {
      return new Map([...pieces].map(([name, list]) => [name, Buffer.concat(list)]))
    },
    whole,
    fedBytes: () => [...pieces.values()].flat().reduce((sum, piece) => sum + piece.length, 0),
    async restore(source: PartSource, _options, signal) {
      for (const { name } of source.parts) {
        const list: Uint8Array[] = []
        pieces.set(name, list)
        for await (const piece of source.open(name, signal)) list.push(Uint8Array.from(piece))
        whole.add(name)
      }
      return { restored: [...whole], notRestored: [], warnings: [] }
    },
  }
}
