import type { DatabaseUrl } from '../../core/database-url.ts'
import type { Engine, EngineContext, Probe } from '../../core/engine.ts'
import { readAccounts } from './account-list.ts'
import { byHand } from './by-hand.ts'
import { countRows } from './count.ts'
import { createDump } from './dump.ts'
import { createGate } from './gate.ts'
import { compareIdentity } from './identity.ts'
import { readInventory } from './inventory.ts'
import { parseMysqlOptions } from './options.ts'
import { probeSource, probeTarget } from './probe.ts'
import { queryRows } from './query.ts'
import { restore } from './restore.ts'
import { createServerAccess } from './server-access.ts'
import type { SourceFacts } from './source-facts.ts'

/** MySQL 5.7 to 9 and MariaDB, through the command-line clients of either vendor. */
export function createMysqlEngine(url: DatabaseUrl, context: EngineContext): Engine {
  const options = parseMysqlOptions(url)
  const access = createServerAccess(url, options, context)
  const probing = { url, options, context, access }
  const factsOf = new WeakMap<Probe, SourceFacts>()

  return {
    name: 'mysql',
    target: access.target,
    async probe(role, signal) {
      if (role === 'target') return await probeTarget(probing, signal)
      const { probe, facts } = await probeSource(probing, signal)
      factsOf.set(probe, facts)
      return probe
    },
    dump(probe, { counts, jobs = 1, onProgress }, signal) {
      const facts = factsOf.get(probe)
      if (facts === undefined) throw new Error('a dump needs the probe that this engine made of its source')
      return createDump(
        { access, context, options, facts, counts, jobs, onProgress, byHand: (part) => byHand(url, part) },
        signal,
      )
    },
    async occupied(contents, signal) {
      const { databases } = await access.withSession(signal, (session) =>
        readInventory(session, { ...url, database: undefined }),
      )
      const ours = new Set(contents.databases.map((database) => database.name))
      const names = databases.map((database) => database.name)
      return {
        conflicts: names.filter((name) => ours.has(name)),
        others: names.filter((name) => !ours.has(name)),
      }
    },
    compareIdentity: (recorded, probe) => compareIdentity(recorded, probe.identity),
    restore: (source, restoring, signal) => restore({ access, context, options }, source, restoring, signal),
    count: (tables, signal) => countRows(access, tables, signal),
    query: (database, sql, signal) => queryRows(access, database ?? url.database, sql, signal),
    accounts: (signal) => access.withSession(signal, readAccounts),
    gate: createGate(access, url.database),
    byHand: (_contents, part) => byHand(url, part),
    [Symbol.asyncDispose]: () => access[Symbol.asyncDispose](),
  }
}
