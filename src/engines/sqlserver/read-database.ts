import type { Bytes } from '../../core/bytes.ts'
import { createSlots } from '../../core/slots.ts'
import type { Catalog, TableModel } from './catalog/model.ts'
import { readCatalog } from './catalog/read-catalog.ts'
import { readPositions } from './catalog/read-positions.ts'
import type { DatabaseFacts } from './databases.ts'
import type { RowFormat } from './record.ts'
import { exportTable } from './rows/table-rows.ts'
import type { Session, SessionSource } from './session.ts'
import type { TableTool } from './tools/index.ts'

/**
 * How much belongs together: all tables of the database; each table by itself; or not even that, where a row that moves
 * while its table is read may be missed or read twice.
 */
export type Consistency = 'database' | 'table' | 'row'

/** A database that is being dumped: what is in it, and its rows. */
export interface DatabaseReader {
  readonly facts: DatabaseFacts
  readonly catalog: Catalog
  readonly consistency: Consistency
  /** The same catalog with the positions of sequences and identities as they are now: after the last row. */
  withPositions(signal: AbortSignal): Promise<Catalog>
  /** What carries the rows of this table. */
  formatOf(table: TableModel): RowFormat
  /** `onCount` gets the number of rows after the last one. */
  exportTable(table: TableModel, onCount: (rows: number) => void, signal: AbortSignal): Bytes
  /** After the last part. Throws where what was read can't be vouched for. */
  finish(): Promise<void>
  close(): Promise<void>
}

export interface ReadSetting {
  readonly sessions: SessionSource
  readonly lockWaitMs: number
  /** On PostgreSQL an error ends the transaction, and servers that stand on it lack some catalog views. */
  readonly errorsEndTransactions: boolean
  readonly onWarning: (message: string) => void
}

export const SNAPSHOT_LEVEL_TEXT = 'SET TRANSACTION ISOLATION LEVEL SNAPSHOT'
export const lockTimeoutText = (lockWaitMs: number) => `SET LOCK_TIMEOUT ${lockWaitMs}`

/**
 * One SNAPSHOT transaction over the catalog and all tables, on one session: parts that are open at once take turns.
 * Tables in memory can't be read in it (error 41332) and are read beside it, each as of one moment.
 */
export async function readInSnapshot(
  setting: ReadSetting,
  facts: DatabaseFacts,
  signal: AbortSignal,
): Promise<DatabaseReader> {
  const before = setting.errorsEndTransactions ? await readWhole(setting, facts, signal) : undefined
  const session = await openReading(setting, facts.name, signal)
  const read = Promise.withResolvers<Catalog>()
  const over = Promise.withResolvers<void>()
  // Nobody waits for it any more where the transaction failed before.
  over.promise.catch(() => undefined)
  const transaction = session.transaction(
    'snapshot',
    async () => {
      read.resolve(before ?? (await readCatalog(session, signal)))
      await over.promise
    },
    signal,
  )
  transaction.catch(read.reject)
  const turns = createSlots(1)
  try {
    const catalog = await read.promise
    return {
      facts,
      catalog,
      consistency: 'database',
      withPositions: (inner) => readNow(setting, facts, catalog, inner),
      formatOf: () => 'rows',
      async *exportTable(table, onCount, inner) {
        if (table.memoryOptimized !== undefined) {
          yield* exportAlone(setting, facts, table, onCount, inner)
          return
        }
        const giveBack = await turns.take(inner)
        try {
          yield* exportTable(session, table, onCount, inner)
        } finally {
          giveBack()
        }
      },
      async finish() {
        over.resolve()
        await transaction
        await session[Symbol.asyncDispose]()
      },
      async close() {
        over.reject(new Error('the dump has ended'))
        await transaction.catch(() => undefined)
        await session[Symbol.asyncDispose]()
      },
    }
  } catch (thrown) {
    await session[Symbol.asyncDispose]()
    throw thrown
  }
}

/**
 * Each table on a session of its own, as of one moment where the database keeps versions of its rows. A program reads
 * what it can be trusted with, the driver the rest.
 */
export async function readByTable(
  setting: ReadSetting,
  facts: DatabaseFacts,
  program: TableTool | undefined,
  signal: AbortSignal,
): Promise<DatabaseReader> {
  const catalog = await readWhole(setting, facts, signal)
  const takes = (table: TableModel) => program !== undefined && program.refusal(table) === undefined
  // A program asks for no isolation of its own.
  const versioned = facts.readCommittedSnapshot || (facts.snapshotIsolation && !catalog.tables.some(takes))
  return {
    facts,
    catalog,
    consistency: versioned ? 'table' : 'row',
    withPositions: (inner) => readNow(setting, facts, catalog, inner),
    formatOf: (table) => (program !== undefined && takes(table) ? program.format : 'rows'),
    exportTable: (table, onCount, inner) =>
      program !== undefined && takes(table)
        ? exportByProgram(setting, facts, program, table, onCount, inner)
        : exportAlone(setting, facts, table, onCount, inner),
    finish: async () => undefined,
    close: async () => undefined,
  }
}

async function readWhole(setting: ReadSetting, facts: DatabaseFacts, signal: AbortSignal): Promise<Catalog> {
  await using session = await openReading(setting, facts.name, signal)
  return await readCatalog(session, signal)
}

async function readNow(
  setting: ReadSetting,
  facts: DatabaseFacts,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<Catalog> {
  await using session = await openReading(setting, facts.name, signal)
  return await readPositions(session, catalog, signal)
}

async function* exportByProgram(
  setting: ReadSetting,
  facts: DatabaseFacts,
  program: TableTool,
  table: TableModel,
  onCount: (rows: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await using session = await openReading(setting, facts.name, signal)
  yield* program.exportTable({ session, table, onCount, onWarning: setting.onWarning }, signal)
}

async function* exportAlone(
  setting: ReadSetting,
  facts: DatabaseFacts,
  table: TableModel,
  onCount: (rows: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await using session = await openReading(setting, facts.name, signal)
  if (facts.snapshotIsolation && table.memoryOptimized === undefined) {
    await session.batch(SNAPSHOT_LEVEL_TEXT, signal)
  }
  yield* exportTable(session, table, onCount, signal)
}

async function openReading(
  { sessions, lockWaitMs }: ReadSetting,
  database: string,
  signal: AbortSignal,
): Promise<Session> {
  const session = await sessions.open(database, signal)
  try {
    await session.batch(lockTimeoutText(lockWaitMs), signal)
    return session
  } catch (thrown) {
    await session[Symbol.asyncDispose]()
    throw thrown
  }
}
