import type { EngineContext, PartSource } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import { tablePart } from './parts.ts'
import type { DatabaseRecord, RowFormat, TableRecord } from './record.ts'
import type { RestoreLog } from './restore-log.ts'
import { loadTable } from './rows/table-rows.ts'
import type { Server } from './server-access.ts'
import type { SessionSource } from './session.ts'
import { createTableTool, requireBulkTool, type TableTool } from './tools/index.ts'

export interface LoadSetting {
  readonly server: Server
  readonly sessions: SessionSource
  readonly context: EngineContext
  readonly jobs: number
  readonly log: RestoreLog
}

/** Several tables at once, each on a session of its own; the first failure stops the rest. */
export async function loadTables(
  { server, sessions, context, jobs, log }: LoadSetting,
  source: PartSource,
  database: DatabaseRecord,
  signal: AbortSignal,
): Promise<void> {
  const programs = new Map<RowFormat, TableTool>()
  for (const format of new Set(database.tables.map((table) => table.format))) {
    if (format === 'rows') continue
    const tool = await requireBulkTool(format, context, signal)
    programs.set(format, createTableTool(tool, server, database.name))
  }
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  let failure: { readonly thrown: unknown } | undefined
  const waiting = [...database.tables]

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      log.step(`loading ${tablePart(database.name, next.table)}`)
      const rows = await load(next)
      checkRows(source, database.name, next, rows)
    }
  }

  async function load({ part, format, table }: TableRecord): Promise<number> {
    await using session = await sessions.open(database.name, both)
    const bytes = source.open(part, both)
    const program = programs.get(format)
    return program === undefined
      ? await loadTable(session, table, bytes, both)
      : await program.loadTable(session, table, bytes, both)
  }

  await Promise.all(
    Array.from({ length: Math.max(1, jobs) }, () =>
      work().catch((thrown: unknown) => {
        failure ??= { thrown }
        failed.abort(thrown)
      }),
    ),
  )
  if (failure !== undefined) throw failure.thrown
}

/** What was counted at the dump is what must have come. */
function checkRows(source: PartSource, database: string, { table }: TableRecord, loaded: number): void {
  const counted = source.contents.tables.find(
    (each) => each.database === database && each.schema === table.schema && each.table === table.name,
  )
  if (counted?.rows === undefined || counted.rows === loaded) return
  throw new LifeboatError(
    'integrity',
    `unable to load ${tablePart(database, table)}: ${loaded} rows came, ${counted.rows} were counted at the dump`,
    { hint: 'The backup is not what was counted: restore another one, and please report this.' },
  )
}
