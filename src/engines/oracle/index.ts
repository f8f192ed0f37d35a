import { type Clock, systemClock } from '../../core/clock.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { describeTarget } from '../../core/describe-target.ts'
import type { Engine, EngineContext } from '../../core/engine.ts'
import { readAccounts } from './account-list.ts'
import { byHand } from './by-hand.ts'
import type { ConnectionSource } from './connection.ts'
import { countNow } from './count.ts'
import { dumpByDatapump } from './dump.ts'
import type { ClientName, ClientSetting } from './expdp/client-access.ts'
import { CLIENT_OPTION_NAMES, type ClientOptions, readClientOptions } from './expdp/client-options.ts'
import { createClientRunner } from './expdp/data-pump-job.ts'
import { createExpDump, EXP_FORMAT, expByHand } from './expdp/exp-dump.ts'
import { isExpBackup, restoreImp } from './expdp/imp-restore.ts'
import { lookAtClients, probeExp } from './expdp/probe-clients.ts'
import { createGate } from './gate.ts'
import { compareIdentity } from './identity.ts'
import { createPackageRunner } from './job-runner.ts'
import { findOccupied } from './occupied.ts'
import { probe } from './probe.ts'
import { queryRows } from './query.ts'
import { restoreByDatapump } from './restore.ts'
import { readServerFacts } from './server-facts.ts'
import { createThinSource, DEFAULT_PORT } from './thin-connection.ts'
import { readUrlOptions } from './url-options.ts'

/** What tests put in the place of the network and of time. */
export interface OracleSurroundings {
  readonly source?: ConnectionSource
  readonly clock?: Clock
}

/** Oracle 12.1 and later, by its own Data Pump over the SQL connection: no client has to be installed. */
export function createOracleEngine(
  url: DatabaseUrl,
  context: EngineContext,
  surroundings: OracleSurroundings = {},
): Engine {
  const layout = url.options.get('layout')
  const options = readUrlOptions(url, layout === 'expdp' ? CLIENT_OPTION_NAMES : [])
  const { clock = systemClock } = surroundings
  const { password } = context
  const source =
    surroundings.source ?? createThinSource(url, { password, sid: options.sid, wallet: options.wallet })
  const clients: ClientSetting = { url, options, context, client: readClientOptions(url) }
  const runner = layout === 'expdp' ? createClientRunner(clients) : createPackageRunner(clock)
  const isExp = clients.client.tool === 'exp'
  const setting = { source, options, context, clock, runner }
  return {
    name: 'oracle',
    target: describeTarget(url, DEFAULT_PORT),
    async probe(role, signal) {
      if (isExp && role === 'source') return await probeExp(clients, signal)
      const found = await probe({ url, source, options }, role, signal)
      if (layout !== 'expdp') return found
      const { tools, findings } = await lookAtClients(clientsFor(role, clients.client), context, signal)
      return { ...found, tools: [...found.tools, ...tools], findings: [...found.findings, ...findings] }
    },
    dump: (_probe, how, signal) =>
      isExp ? createExpDump(clients, how) : dumpByDatapump(setting, how, signal),
    async occupied(contents, signal) {
      await using connection = await source.open(signal)
      return await findOccupied(connection, contents, options, signal)
    },
    compareIdentity,
    async restore(parts, how, signal) {
      if (!isExpBackup(parts.contents.engine)) return await restoreByDatapump(parts, setting, how, signal)
      return await restoreImp(clients, parts, how, await readUsers(source, signal), signal)
    },
    async count(tables, signal) {
      await using connection = await source.open(signal)
      return await countNow(connection, tables, options.remapSchemas, signal)
    },
    query(schema, sql, signal) {
      const named = schema === undefined ? undefined : (options.remapSchemas.get(schema) ?? schema)
      return queryRows(source, named, sql, signal)
    },
    async accounts(signal) {
      await using connection = await source.open(signal)
      return await readAccounts(connection, signal)
    },
    gate: createGate(source),
    byHand({ databases }, part) {
      const schemas = databases.map(({ name }) => name)
      return part.format === EXP_FORMAT
        ? expByHand(schemas)
        : byHand(part, { schemas, directory: options.directory })
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

async function readUsers(source: ConnectionSource, signal: AbortSignal): Promise<readonly string[]> {
  await using connection = await source.open(signal)
  return (await readServerFacts(connection, signal)).users
}

function clientsFor(role: 'source' | 'target', { tool }: ClientOptions): readonly ClientName[] {
  if (tool === 'exp') return role === 'source' ? ['exp'] : ['imp']
  return role === 'source' ? ['expdp'] : ['impdp']
}
