import { type Clock, systemClock } from '../../core/clock.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { describeTarget } from '../../core/describe-target.ts'
import type { Engine, EngineContext } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import { readAccounts } from './account-list.ts'
import { byHand } from './by-hand.ts'
import { createSessionSource } from './connection.ts'
import { countTables } from './count.ts'
import { dumpDatabases } from './dump.ts'
import { createGate } from './gate.ts'
import { compareIdentity } from './identity.ts'
import { nativeByHand } from './native/by-hand.ts'
import { dumpNative, restoreFromNative } from './native-layout.ts'
import { findOccupied } from './occupied.ts'
import { readUrlOptions } from './options.ts'
import { probe } from './probe.ts'
import { queryRows } from './query.ts'
import { restoreDatabases } from './restore.ts'
import { findServer, type Server } from './server-access.ts'
import { DEFAULT_PORT } from './server-address.ts'
import type { SessionSource } from './session.ts'

interface Found {
  readonly server: Server
  readonly sessions: SessionSource
}

/** SQL Server 2016 and later, RDS, and whatever speaks its protocol and has its catalog views. */
export function createSqlServerEngine(
  url: DatabaseUrl,
  context: EngineContext,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Engine {
  const options = readUrlOptions(url)
  let found: Found | undefined

  /** Once: all sessions and tools must not meet two servers behind one name. */
  async function find(signal: AbortSignal): Promise<Found> {
    if (found === undefined) {
      const server = await findServer(url, context.password, signal)
      found = { server, sessions: createSessionSource(server) }
    }
    return found
  }

  const settingOf = async (signal: AbortSignal) => ({
    ...(await find(signal)),
    options,
    context,
    staging: context.staging,
    clock,
  })

  return {
    name: 'sqlserver',
    target: describeTarget(url, DEFAULT_PORT),
    async probe(role, signal) {
      return await probe(await settingOf(signal), role, signal)
    },
    dump(probed, dumping, signal) {
      if (found === undefined) throw new Error('a dump starts with a probe')
      const setting = { ...found, options, context, staging: context.staging, clock, probe: probed, dumping }
      if (options.layout === 'bcp') return dumpDatabases(setting, signal)
      const names = probed.databases.map(({ name }) => name)
      return dumpNative(setting, names, dumping, signal)
    },
    async occupied(contents, signal) {
      const { server, sessions } = await find(signal)
      return await findOccupied(server, sessions, contents, signal)
    },
    compareIdentity,
    async restore(source, restoring, signal) {
      const { layout } = source.contents.engine
      const asked = url.options.get('layout')
      if (asked !== undefined && asked !== layout) throw otherLayout(asked, layout)
      const setting = await settingOf(signal)
      return layout === 'native'
        ? await restoreFromNative(setting, source, restoring, signal)
        : await restoreDatabases(setting, source, restoring, signal)
    },
    async count(tables, signal) {
      const { server, sessions } = await find(signal)
      return await countTables(server, sessions, tables, signal)
    },
    async query(database, sql, signal) {
      const { sessions } = await find(signal)
      return await queryRows(sessions, database ?? url.database ?? 'master', sql, signal)
    },
    async accounts(signal) {
      const { server, sessions } = await find(signal)
      return await readAccounts(server, sessions, signal)
    },
    gate: createGate(async (signal) => (await find(signal)).sessions, url.database),
    byHand: (_contents, part) => (part.format === 'bak' ? nativeByHand(part.name) : byHand(part)),
    async [Symbol.asyncDispose]() {
      await found?.sessions[Symbol.asyncDispose]()
    },
  }
}

function otherLayout(asked: string, layout: unknown): LifeboatError {
  return new LifeboatError(
    'usage',
    `unable to restore with layout=${asked}: the backup was made with layout=${String(layout)}`,
    { hint: 'Leave layout= out of the URL of --into: the backup itself says how it is restored.' },
  )
}
