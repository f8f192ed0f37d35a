import type { Bytes } from '../../core/bytes.ts'
import type { TableCount } from '../../core/contents.ts'
import type { Dump, DumpOptions, DumpResult, EngineContext, Part, Probe } from '../../core/engine.ts'
import { throwIfAborted } from '../../core/errors.ts'
import { orAborted } from '../../core/until-aborted.ts'
import { byHand, type HandPart } from './by-hand.ts'
import type { ColumnModel, TableModel } from './catalog/model.ts'
import { chooseTool } from './choose-tool.ts'
import { type DatabaseFacts, listDatabases, type Selection, selectDatabases } from './databases.ts'
import { describeConsistency, gatherNotCaptured } from './dump-result.ts'
import { openMaintenance } from './maintenance.ts'
import type { SqlServerOptions } from './options.ts'
import { afterPart, beforePart, SCRIPT_FORMAT, tablePart } from './parts.ts'
import { type DatabaseReader, readByTable, readInSnapshot } from './read-database.ts'
import type { BcpRecord, DatabaseRecord, RowFormat, TableRecord } from './record.ts'
import { formatFile } from './rows/format-file.ts'
import { type CalledFunctions, createCalledFunctions } from './schema/called-functions.ts'
import { scriptAfter, scriptBefore } from './schema/script.ts'
import { isDeferredColumn } from './schema/script-tables.ts'
import { type Step, writeSteps } from './schema/step.ts'
import type { Server } from './server-access.ts'
import { isBabelfish } from './server-facts.ts'
import type { SessionSource } from './session.ts'
import { type BulkTool, createTableTool, type TableTool } from './tools/index.ts'
import { nativeFormatFile } from './tools/native-format.ts'

export interface DumpSetting {
  readonly server: Server
  readonly sessions: SessionSource
  readonly options: SqlServerOptions
  readonly context: EngineContext
  readonly probe: Probe
  readonly dumping: DumpOptions
}

/** For each database: what is made before its rows, its tables, the biggest first, and what is made after them. */
export function dumpDatabases(setting: DumpSetting, signal: AbortSignal): Dump {
  const { server, sessions, options, context, dumping } = setting
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const readers: DatabaseReader[] = []
  const counted = new Map<string, number>()
  const warnings: string[] = []
  let selection: Selection | undefined
  let program: BulkTool | undefined

  async function* parts(): AsyncGenerator<Part> {
    {
      await using maintenance = await openMaintenance(server, sessions, both)
      selection = selectDatabases(await listDatabases(maintenance, both), server.url.database)
    }
    if (selection.taken.some(isForProgram)) {
      program = await chooseTool({ options, context, server, warnings }, both)
    }
    for (const facts of selection.taken) {
      const reader = await openReader(facts)
      readers.push(reader)
      yield scriptPart(beforePart(facts.name), () => scriptBefore(reader.catalog))
      const reading: Promise<void>[] = []
      for (const table of reader.catalog.tables) yield rowsPart(reader, table, reading)
      yield scriptPart(afterPart(facts.name), async (inner) => {
        // Opened beside tables that are still being read, it waits: their rows may take values until they end.
        const signals = AbortSignal.any([both, inner])
        await orAborted(Promise.all(reading), signals)
        // Now, and not with the last database: until then the server would keep the versions of all rows that change.
        await reader.finish()
        return scriptAfter(await reader.withPositions(signals))
      })
    }
  }

  /** Where the driver can read each table as of one moment, a program that can't is taken only if it is named. */
  function isForProgram(facts: DatabaseFacts): boolean {
    if (readsSnapshot(facts, options, dumping)) return false
    return options.tool !== 'auto' || !facts.snapshotIsolation
  }

  async function openReader(facts: DatabaseFacts): Promise<DatabaseReader> {
    const reading = {
      sessions,
      lockWaitMs: options.lockWaitMs,
      errorsEndTransactions: isBabelfish(setting.probe),
      onWarning: (message: string) => void warnings.push(message),
    }
    if (readsSnapshot(facts, options, dumping)) return await readInSnapshot(reading, facts, both)
    if (program === undefined || !isForProgram(facts)) {
      return await readByTable(reading, facts, undefined, both)
    }
    const tool = createTableTool(program, server, facts.name)
    return tellRefusals(await readByTable(reading, facts, tool, both), tool)
  }

  function tellRefusals(reader: DatabaseReader, tool: TableTool): DatabaseReader {
    for (const table of reader.catalog.tables) {
      const reason = tool.refusal(table)
      if (reason === undefined) continue
      const name = tablePart(reader.facts.name, table)
      warnings.push(`${name} was read by the driver instead of ${tool.tool.name}: ${reason}`)
    }
    return reader
  }

  function rowsPart(reader: DatabaseReader, table: TableModel, reading: Promise<void>[]): Part {
    const name = tablePart(reader.facts.name, table)
    const { bytesEstimate } = table
    return {
      name,
      format: reader.formatOf(table),
      ...(bytesEstimate !== undefined && { estimateBytes: bytesEstimate }),
      open(inner) {
        const ended = Promise.withResolvers<void>()
        reading.push(ended.promise)
        const signals = AbortSignal.any([both, inner])
        return tellEnd(
          reader.exportTable(table, (rows) => counted.set(name, rows), signals),
          ended.resolve,
        )
      },
      release: async () => undefined,
    }
  }

  return {
    parts: parts(),
    async finish(inner): Promise<DumpResult> {
      if (selection === undefined) throw new Error('the parts have not been read')
      for (const reader of readers) await reader.finish()
      inner.throwIfAborted()
      const databases = readers.map(describeDatabase)
      const record: BcpRecord = { layout: 'bcp', serverVersion: setting.probe.serverVersion, databases }
      return {
        contents: {
          format: 1,
          databases: readers.map(({ catalog }) => ({ ...catalog.database })),
          tables: readers.flatMap((reader) => countsOf(reader, dumping, counted)),
          byHand: databases.flatMap((database) => partsOf(database).map(byHand)),
          engine: { ...record },
        },
        consistency: describeConsistency(readers),
        notCaptured: gatherNotCaptured(readers, selection),
        warnings,
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the dump has ended'))
      for (const reader of readers) await reader.close()
    },
  }
}

/** Several parts at once on one session would only wait for each other, so jobs=N trades the snapshot for speed. */
export function readsSnapshot(
  { snapshotIsolation }: Pick<DatabaseFacts, 'snapshotIsolation'>,
  { snapshot, tool }: Pick<SqlServerOptions, 'snapshot' | 'tool'>,
  { jobs = 1 }: Pick<DumpOptions, 'jobs'>,
): boolean {
  if (tool === 'bcp' || tool === 'freebcp') return false
  return snapshot === 'require' || (snapshot === 'auto' && snapshotIsolation && jobs === 1)
}

async function* tellEnd(bytes: Bytes, onEnd: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } finally {
    onEnd()
  }
}

type Steps = readonly Step[]

function scriptPart(name: string, steps: (signal: AbortSignal) => Steps | Promise<Steps>): Part {
  return {
    name,
    format: SCRIPT_FORMAT,
    async *open(signal): Bytes {
      yield Buffer.from(writeSteps(await steps(signal)))
      throwIfAborted(signal)
    },
    release: async () => undefined,
  }
}

function describeDatabase({ facts, catalog, formatOf }: DatabaseReader): DatabaseRecord {
  const calls = createCalledFunctions(catalog)
  return {
    ...catalog.database,
    name: facts.name,
    before: beforePart(facts.name),
    after: afterPart(facts.name),
    tables: catalog.tables.map(
      (table): TableRecord => ({
        part: tablePart(facts.name, table),
        format: formatOf(table),
        table,
        ...formatFileOf(table, formatOf(table), calls),
      }),
    ),
  }
}

/** freebcp is told of its terminators on its command line. */
function formatFileOf(
  table: TableModel,
  format: RowFormat,
  calls: CalledFunctions,
): { readonly formatFile?: string } {
  if (format === 'freebcp') return {}
  // As the table is when its rows come: these columns are added later, and stand last then.
  const columns = table.columns.filter((column) => !isDeferredColumn(column, calls))
  const positionOf = (column: ColumnModel) => columns.indexOf(column) + 1
  return { formatFile: format === 'rows' ? formatFile(columns) : nativeFormatFile(columns, positionOf) }
}

function partsOf({ before, after, tables }: DatabaseRecord): readonly HandPart[] {
  return [
    { name: before, format: SCRIPT_FORMAT },
    ...tables.map(({ part, format, table }) => ({
      name: part,
      format,
      hasIdentity: table.columns.some(({ identity }) => identity !== undefined),
    })),
    { name: after, format: SCRIPT_FORMAT },
  ]
}

function countsOf(
  { facts, catalog }: DatabaseReader,
  { counts }: DumpOptions,
  counted: ReadonlyMap<string, number>,
): readonly TableCount[] {
  return catalog.tables.map((table) => {
    const count = { database: facts.name, schema: table.schema, table: table.name }
    if (counts === 'off') return count
    const rows = counted.get(tablePart(facts.name, table))
    if (rows === undefined) throw new Error('a part has not been read')
    return { ...count, rows }
  })
}
