import { type Clock, systemClock } from '../../core/clock.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import type { Engine, EngineContext } from '../../core/engine.ts'
import { byHand } from './by-hand.ts'
import type { ConnectionSource } from './connection.ts'
import { countNow } from './count.ts'
import { dumpByDatapump } from './dump.ts'
import { compareIdentity } from './identity.ts'
import { packageRunner } from './job-runner.ts'
import { findOccupied } from './occupied.ts'
import { probe } from './probe.ts'
import { restoreByDatapump } from './restore.ts'
import { createThinSource } from './thin-connection.ts'
import { readService, readUrlOptions } from './url-options.ts'

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
  const options = readUrlOptions(url)
  const { clock = systemClock } = surroundings
  const { password } = context
  const source =
    surroundings.source ?? createThinSource(url, { password, sid: options.sid, wallet: options.wallet })
  const setting = { source, options, context, clock, runner: packageRunner }
  return {
    name: 'oracle',
    target: describeTarget(url),
    probe: (role, signal) => probe({ url, source, options }, role, signal),
    dump: (_probe, how, signal) => dumpByDatapump(setting, how, signal),
    async occupied(contents, signal) {
      await using connection = await source.open(signal)
      return await findOccupied(connection, contents, options, signal)
    },
    compareIdentity,
    restore: (parts, how, signal) => restoreByDatapump(parts, setting, how, signal),
    async count(tables, signal) {
      await using connection = await source.open(signal)
      return await countNow(connection, tables, options.remapSchemas, signal)
    },
    byHand: ({ databases }, part) =>
      byHand(part, { schemas: databases.map(({ name }) => name), directory: options.directory }),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

function describeTarget(url: DatabaseUrl): string {
  const user = url.user === undefined ? '' : `${url.user}@`
  const host = url.host?.includes(':') ? `[${url.host}]` : url.host
  const service = readService(url)
  const whole = `oracle://${user}${host}:${url.port ?? 1521}${service === undefined ? '' : `/${service}`}`
  if (url.connect === undefined) return whole
  return `${whole} by way of ${url.connect.host}:${url.connect.port ?? url.port ?? 1521}`
}
