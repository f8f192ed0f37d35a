import type { TableCount } from '../../core/contents.ts'
import type { Dump, DumpResult, Part, Probe } from '../../core/engine.ts'
import { abortReason, throwIfAborted } from '../../core/errors.ts'
import type { NotCaptured } from '../../core/manifest.ts'
import { orAborted } from '../../core/until-aborted.ts'
import { checkArchive } from './archive-check.ts'
import { byHand } from './by-hand.ts'
import { connectMaintenance, type Server } from './connection.ts'
import { COUNT_CONNECTIONS } from './count.ts'
import { type DatabaseFacts, readDatabaseFacts } from './database-facts.ts'
import { describePosition, readLogPosition } from './log-position.ts'
import { ARCHIVE_FORMAT, databasePart, GLOBALS_PART } from './parts.ts'
import { readFromServer } from './run-tool.ts'
import { createSemaphore } from './semaphore.ts'
import { countSnapshot, namesOf, type Snapshot, takeSnapshot } from './snapshot.ts'
import { type Survey, survey } from './survey.ts'
import type { Toolbox } from './toolbox.ts'
import type { PostgresOptions } from './url-options.ts'

/** What both layouts are made from. */
export interface DumpSetting {
  readonly server: Server
  readonly tools: Toolbox
  readonly options: PostgresOptions
  readonly probe: Probe
  readonly counts: 'exact' | 'off'
}

interface DumpedDatabase {
  readonly facts: DatabaseFacts
  readonly tables: Promise<readonly TableCount[]>
  readonly snapshot: Pick<Snapshot, 'foreignTables' | 'unreadableUnlogged'>
}

/** Globals, then one archive per database, each in a snapshot in which its tables are counted too. */
export function dumpDatabases(setting: DumpSetting, signal: AbortSignal): Dump {
  const { server, tools, options, counts } = setting
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const limited = createSemaphore(COUNT_CONNECTIONS)
  const dumped = new Map<string, DumpedDatabase>()
  const held = new Set<Snapshot>()
  let found: Survey | undefined
  let before: string | undefined

  async function* parts(): AsyncGenerator<Part> {
    {
      await using maintenance = await connectMaintenance(server, both)
      found = await survey(server, maintenance, both)
      before = await readLogPosition(maintenance)
    }
    yield {
      ...GLOBALS_PART,
      open: (inner) =>
        dumpGlobals(setting, found?.facts.readsPasswords === true, AbortSignal.any([both, inner])),
      release: async () => undefined,
    }
    for (const { name, bytes } of found.selection.taken) {
      yield {
        name: databasePart(name),
        format: ARCHIVE_FORMAT,
        ...(bytes !== undefined && { estimateBytes: bytes }),
        open: (inner) => dumpDatabase(name, AbortSignal.any([both, inner])),
        release: async () => undefined,
      }
    }
  }

  async function* dumpDatabase(database: string, inner: AbortSignal): AsyncGenerator<Uint8Array> {
    const tool = await tools.get('pg_dump', inner)
    const { snapshot, facts } = await holdSnapshot(database, inner)
    // Beside the dump, not after it: whoever waits for the part's bytes must not wait for the counts. `finish` does.
    const tables =
      counts === 'off'
        ? Promise.resolve(namesOf(snapshot))
        : countSnapshot(server, snapshot, { limited, role: options.role, sessions: COUNT_CONNECTIONS }, both)
    tables.catch(() => undefined)
    dumped.set(database, { facts, tables, snapshot })
    const args = [
      ...['--format=custom', '--compress=0', `--snapshot=${snapshot.id}`],
      `--lock-wait-timeout=${options.lockWaitMs}`,
      ...(options.role === undefined ? [] : [`--role=${options.role}`]),
    ]
    yield* checkArchive(readFromServer(server, { tool, args, database }, inner))
    // Let go as soon as nobody looks through it any more: an old snapshot keeps dead rows from being cleared away.
    // What can fail here is the end of a session that has done its work: not even a failure is news then.
    tables.then(() => release(snapshot)).catch(() => undefined)
  }

  /** Taken, it outlives its part, for the counts; but nobody waits for it when the part is given up before. */
  async function holdSnapshot(
    database: string,
    inner: AbortSignal,
  ): Promise<{ readonly snapshot: Snapshot; readonly facts: DatabaseFacts }> {
    throwIfAborted(inner)
    const givenUp = new AbortController()
    const giveUp = () => givenUp.abort(abortReason(inner))
    inner.addEventListener('abort', giveUp, { once: true })
    try {
      const snapshot = await takeSnapshot(server, database, options, AbortSignal.any([both, givenUp.signal]))
      held.add(snapshot)
      return { snapshot, facts: await readDatabaseFacts(snapshot.connection) }
    } finally {
      inner.removeEventListener('abort', giveUp)
    }
  }

  async function release(snapshot: Snapshot): Promise<void> {
    if (held.delete(snapshot)) await snapshot[Symbol.asyncDispose]()
  }

  return {
    parts: parts(),
    async finish(inner): Promise<DumpResult> {
      if (found === undefined) throw new Error('the parts have not been read')
      const entries = await orAborted(
        Promise.all(
          found.selection.taken.map(async ({ name }) => {
            const database = dumped.get(name)
            if (database === undefined) throw new Error('a part has not been read')
            return { facts: database.facts, tables: await database.tables }
          }),
        ),
        inner,
      )
      await using maintenance = await connectMaintenance(server, AbortSignal.any([both, inner]))
      const position = describePosition(before, await readLogPosition(maintenance))
      const names = [
        GLOBALS_PART,
        ...entries.map(({ facts }) => ({ name: databasePart(facts.name), format: ARCHIVE_FORMAT })),
      ]
      const tool = await tools.get('pg_dump', inner)
      return {
        contents: {
          format: 1,
          databases: entries.map(({ facts }) => ({ ...facts })),
          tables: entries.flatMap(({ tables }) => tables),
          byHand: names.map((part) => byHand(part)),
          engine: { layout: 'databases', clientVersion: tool.version, serverVersion: found.facts.version },
        },
        consistency: 'one snapshot per database; no PostgreSQL tool has one over several databases',
        notCaptured: [...found.notCaptured, ...withoutRows([...dumped.values()])],
        ...(position !== undefined && { position }),
        warnings: [],
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the dump has ended'))
      for (const { tables } of dumped.values()) await tables.catch(() => undefined)
      for (const snapshot of [...held]) await release(snapshot)
    },
  }
}

function withoutRows(databases: readonly DumpedDatabase[]): readonly NotCaptured[] {
  const sum = (name: keyof DumpedDatabase['snapshot']) =>
    databases.reduce((total, { snapshot }) => total + snapshot[name], 0)
  const all = [
    { what: 'rows of foreign tables', count: sum('foreignTables'), reason: 'they live on other servers' },
    {
      what: 'rows of unlogged tables',
      count: sum('unreadableUnlogged'),
      reason: 'a standby does not have them',
    },
  ]
  return all.filter(({ count }) => count > 0)
}

async function* dumpGlobals(
  setting: DumpSetting,
  readsPasswords: boolean,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { server, tools } = setting
  const tool = await tools.get('pg_dumpall', signal)
  const maintenance = await maintenanceDatabase(server, signal)
  yield* readFromServer(
    server,
    {
      tool,
      args: [
        '--globals-only',
        '--encoding=UTF8',
        `--database=${maintenance}`,
        ...(readsPasswords ? [] : ['--no-role-passwords']),
      ],
      database: maintenance,
    },
    signal,
    { isComplete: isWholeCluster },
  )
}

export async function maintenanceDatabase(server: Server, signal: AbortSignal): Promise<string> {
  await using connection = await connectMaintenance(server, signal)
  return connection.database
}

/** pg_dumpall ends with it; since August 2025 an \unrestrict line may follow or precede. */
export function isWholeCluster(tail: Buffer): boolean {
  return tail.includes('\n-- PostgreSQL database cluster dump complete\n')
}
