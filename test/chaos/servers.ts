import { type LineServer, startLineMariadb, startLinePostgres } from '../testbed/line-servers.ts'
import type { ChaosEngine } from './plan.ts'

/** A source with data in it, and an empty server to restore into. */
export interface ChaosServers extends AsyncDisposable {
  pair(engine: Exclude<ChaosEngine, 'memory'>): Promise<ServerPair>
}

export interface ServerPair {
  readonly source: LineServer
  readonly target: LineServer
  /** Everything in the source, by name, as it was before anything went wrong. */
  readonly held: ReadonlyMap<string, string>
}

/** Of some 260 bytes. */
export const SOURCE_ROWS = 4_000
const START = { mariadb: startLineMariadb, postgres: startLinePostgres }

/** Started when they are first needed; they live until the end. */
export function createServers(): ChaosServers {
  const pairs = new Map<string, Promise<ServerPair>>()
  return {
    pair(engine) {
      const pair = pairs.get(engine) ?? startPair(engine)
      pairs.set(engine, pair)
      return pair
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs.values()) {
        const { source, target } = await pair
        await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()])
      }
    },
  }
}

async function startPair(engine: Exclude<ChaosEngine, 'memory'>): Promise<ServerPair> {
  const [source, target] = await Promise.all([START[engine](), START[engine]()])
  await source.seed(SOURCE_ROWS)
  return { source, target, held: await source.objects() }
}
