import type { DatabaseUrl } from '../../core/database-url.ts'
import { describeTarget } from '../../core/describe-target.ts'
import type { Engine, EngineContext } from '../../core/engine.ts'
import { readAccounts } from './account-list.ts'
import { byHand } from './by-hand.ts'
import { connectMaintenance, findServer, type Server } from './connection.ts'
import { countTables } from './count.ts'
import { dumpDatabases } from './dump.ts'
import { dumpCluster } from './dump-cluster.ts'
import { createGate } from './gate.ts'
import { compareIdentity } from './identity.ts'
import { findOccupied } from './occupied.ts'
import { probe } from './probe.ts'
import { queryRows } from './query.ts'
import { restore } from './restore.ts'
import { DEFAULT_PORT } from './server-address.ts'
import { createToolbox } from './toolbox.ts'
import { readUrlOptions } from './url-options.ts'

/** PostgreSQL 13 and later, through its own pg_dump, pg_dumpall, pg_restore and psql. */
export function createPostgresEngine(url: DatabaseUrl, context: EngineContext): Engine {
  const options = readUrlOptions(url)
  const tools = createToolbox(context)
  let found: Server | undefined

  /** Once: driver and tools must not meet two servers behind one name. */
  async function server(signal: AbortSignal): Promise<Server> {
    found ??= await findServer(url, { password: context.password, silenceMs: options.silenceMs }, signal)
    return found
  }

  return {
    name: 'postgres',
    target: describeTarget(url, DEFAULT_PORT),
    async probe(role, signal) {
      return await probe({ server: await server(signal), tools, options }, role, signal)
    },
    dump(probed, { counts }, signal) {
      if (found === undefined) throw new Error('a dump starts with a probe')
      const setting = { server: found, tools, options, probe: probed, counts }
      return options.layout === 'dumpall' ? dumpCluster(setting, signal) : dumpDatabases(setting, signal)
    },
    async occupied(contents, signal) {
      const target = await server(signal)
      await using maintenance = await connectMaintenance(target, signal)
      return await findOccupied(target, contents, maintenance, signal)
    },
    compareIdentity,
    async restore(source, how, signal) {
      return await restore(source, { server: await server(signal), tools, options }, how, signal)
    },
    async count(tables, signal) {
      return await countTables(await server(signal), tables, signal)
    },
    async query(database, sql, signal) {
      return await queryRows(await server(signal), database ?? url.database ?? 'postgres', sql, signal)
    },
    async accounts(signal) {
      return await readAccounts(await server(signal), signal)
    },
    gate: createGate(server),
    byHand: (_contents, part) => byHand(part),
    [Symbol.asyncDispose]: async () => undefined,
  }
}
