import type { Bytes } from '../../core/bytes.ts'
import type { TableCount } from '../../core/contents.ts'
import type { Dump, DumpResult, Part } from '../../core/engine.ts'
import { byHand } from './by-hand.ts'
import { PROVIDER_DATABASE } from './catalog.ts'
import { connect, connectMaintenance } from './connection.ts'
import { type DatabaseFacts, readDatabaseFacts } from './database-facts.ts'
import { type DumpSetting, isWholeCluster } from './dump.ts'
import { describePosition, readLogPosition } from './log-position.ts'
import { CLUSTER_PART } from './parts.ts'
import { readFromServer } from './run-tool.ts'
import { connectedDatabase, scanScript } from './script.ts'
import { type Survey, survey } from './survey.ts'

/** One script of pg_dumpall. It takes no snapshot of ours, so rows are counted as they pass by. */
export function dumpCluster(setting: DumpSetting, signal: AbortSignal): Dump {
  const { server, tools, options, counts } = setting
  const tables: TableCount[] = []
  const facts: DatabaseFacts[] = []
  let found: Survey | undefined
  let before: string | undefined

  async function* parts(): AsyncGenerator<Part> {
    {
      await using maintenance = await connectMaintenance(server, signal)
      found = await survey(server, maintenance, signal)
      before = await readLogPosition(maintenance)
    }
    for (const { name } of found.selection.taken) {
      await using connection = await connect(server, name, signal)
      facts.push(await readDatabaseFacts(connection))
    }
    const bytes = found.selection.taken.reduce((sum, database) => sum + (database.bytes ?? 0), 0)
    const { readsPasswords } = found.facts
    yield {
      ...CLUSTER_PART,
      estimateBytes: bytes,
      open: (inner) => dump(readsPasswords, AbortSignal.any([signal, inner])),
      release: async () => undefined,
    }
  }

  async function* dump(readsPasswords: boolean, inner: AbortSignal): AsyncGenerator<Uint8Array> {
    const tool = await tools.get('pg_dumpall', inner)
    const database = await maintenanceName(inner)
    const args = [
      ...['--encoding=UTF8', `--database=${database}`, `--exclude-database=${PROVIDER_DATABASE}`],
      `--lock-wait-timeout=${options.lockWaitMs}`,
      ...(readsPasswords ? [] : ['--no-role-passwords']),
      ...(options.role === undefined ? [] : [`--role=${options.role}`]),
    ]
    const script = readFromServer(server, { tool, args, database }, inner, { isComplete: isWholeCluster })
    yield* countCopies(script, tables)
  }

  async function maintenanceName(inner: AbortSignal): Promise<string> {
    await using maintenance = await connectMaintenance(server, inner)
    return maintenance.database
  }

  return {
    parts: parts(),
    async finish(inner): Promise<DumpResult> {
      if (found === undefined) throw new Error('the part has not been read')
      const both = AbortSignal.any([signal, inner])
      await using maintenance = await connectMaintenance(server, both)
      const position = describePosition(before, await readLogPosition(maintenance))
      const tool = await tools.get('pg_dumpall', inner)
      return {
        contents: {
          format: 1,
          databases: facts.map((each) => ({ ...each })),
          tables: counts === 'exact' ? tables : tables.map(({ rows: _rows, ...table }) => table),
          byHand: [byHand(CLUSTER_PART)],
          engine: { layout: 'dumpall', clientVersion: tool.version, serverVersion: found.facts.version },
        },
        consistency: 'one snapshot per database, taken one after another by pg_dumpall',
        notCaptured: found.notCaptured,
        ...(position !== undefined && { position }),
        warnings: [],
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
}

/** Passes a script through, noting the rows of every COPY in it. */
export async function* countCopies(input: Bytes, tables: TableCount[]): AsyncGenerator<Uint8Array> {
  let database = ''
  let current: { schema: string; table: string; rows: number } | undefined
  for await (const piece of scanScript(input)) {
    if (piece.kind === 'meta') database = connectedDatabase(piece.text) ?? database
    else if (piece.kind === 'copy') current = { schema: piece.schema, table: piece.table, rows: 0 }
    else if (piece.kind === 'rows' && current !== undefined) current.rows += piece.rows
    else if (piece.kind === 'copy-end' && current !== undefined) tables.push({ database, ...current })
    yield piece.bytes
  }
}
