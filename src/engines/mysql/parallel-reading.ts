import type { Bytes } from '../../core/bytes.ts'
import type { TableCount } from '../../core/contents.ts'
import type { Part } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type CommonSnapshot, openCommonSnapshot } from './common-snapshot.ts'
import { type Definitions, readDefinitions } from './definitions.ts'
import { actionArguments, readDump, rowArguments, structureArguments } from './dump-command.ts'
import { type HeldDump, holdDump } from './held-dump.ts'
import { type Inventory, readInventory, type TableInfo } from './inventory.ts'
import { cutTable } from './key-ranges.ts'
import { rowsName, STRUCTURE, TRIGGERS_AND_EVENTS } from './part-names.ts'
import { quoteName } from './quote.ts'
import type { Reading, ReadingContext } from './reading.ts'
import { createRowCounter, type RowCounter } from './row-counter.ts'
import { cutIntoPieces, type Piece } from './row-pieces.ts'
import { list } from './source-facts.ts'
import { NAMES_LINE, SINGLE_BYTES, toolCharset } from './tool-charset.ts'
import { findClient, type Tool } from './tools.ts'
import { within } from './within.ts'

/** Tables may be made or dropped between the look at them and the snapshot; then all begins anew. */
const TRIES = 3
const READY_MS = 60_000

interface Plan {
  readonly tool: Tool
  readonly pieces: readonly Piece[]
  /** Those whose rows are read. */
  readonly tables: readonly TableInfo[]
  readonly definitions: Definitions
}

/**
 * Several runs of the dump tool, each over a piece of the rows, all with one snapshot. The structure comes before, from a
 * run of its own; triggers and events after, since they would act on the rows of a restore.
 */
export function createParallelReading(
  { access, context, options, facts, counts, onProgress }: ReadingContext,
  jobs: number,
  signal: AbortSignal,
): Reading {
  const { server } = facts.inventory
  const databases = facts.inventory.databases.map(({ name }) => name)
  const failed = new AbortController()
  const running = AbortSignal.any([signal, failed.signal])
  const structure = createRowCounter()
  const counters: RowCounter[] = []
  const partNames: string[] = []
  const ended = new Set<string>()
  let plan: Plan | undefined
  let held: readonly HeldDump[] = []
  let snapshot: CommonSnapshot | undefined

  async function prepare(): Promise<Plan> {
    const tool = await findClient('dump', server, context, running, options.client)
    for (let tries = 1; ; tries += 1) {
      const { found, ...rest } = await access.withSession(running, async (session) => {
        // Anew: the probe may be long ago.
        const inventory = await readInventory(session, { database: undefined })
        const definitions = await readDefinitions(session, server, facts.inventory.databases)
        const tables = tablesWithRows(inventory)
        const cut = (table: TableInfo, count: number) => cutTable(session, table, count)
        const pieces = await cutIntoPieces({ databases, tables, jobs, cut })
        return { found: inventory, definitions, tables, pieces }
      })
      const planned: Plan = { tool, ...rest }
      await hold(planned)
      onProgress?.({ kind: 'step', message: 'locking all tables for a moment' })
      snapshot = await openCommonSnapshot(
        access,
        { server, databases, tables: planned.tables, gates: held.map(({ gate }) => gate), onProgress },
        running,
      )
      const { tables } = snapshot
      const known = found.tables.filter(({ database }) => databases.includes(database))
      const same =
        known.length === tables.size && known.every((each) => tables.has(`${each.database}\0${each.table}`))
      if (same) return planned
      await letGo()
      if (tries === TRIES) throw alwaysChanging(access.target)
    }
  }

  function tablesWithRows(inventory: Inventory): readonly TableInfo[] {
    const rowless = new Set(facts.withoutRows.map(({ engine }) => engine))
    return inventory.tables.filter(
      ({ kind, database, engine }) =>
        kind === 'table' && databases.includes(database) && !rowless.has(engine),
    )
  }

  async function hold({ tool, pieces }: Plan): Promise<void> {
    const charset = toolCharset(tool, access.user)
    const singleBytes = charset === SINGLE_BYTES
    const starting = pieces.map((piece) =>
      holdDump(
        { access, tool, args: rowArguments(tool, facts, piece, charset), singleBytes },
        (thrown) => failed.abort(thrown),
        running,
      ),
    )
    held = (await Promise.allSettled(starting)).flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    )
    await Promise.all(starting)
    await within(Promise.all(held.map((each) => each.ready())), READY_MS, () => notReady(tool))
  }

  async function letGo(): Promise<void> {
    await Promise.all(held.map((each) => each[Symbol.asyncDispose]()))
    held = []
  }

  async function* openTool(
    name: string,
    args: (tool: Tool) => readonly string[],
    inner: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    if (plan === undefined) throw new Error('a part was opened before it was given out')
    const { tool } = plan
    const file = await access.optionFile(tool, inner)
    const bytes = readDump(tool, file, args(tool), inner)
    yield* name === STRUCTURE ? structure.through(bytes) : bytes
    ended.add(name)
  }

  async function* openRows(name: string, at: number, inner: AbortSignal): AsyncGenerator<Uint8Array> {
    const [each, piece] = [held[at], plan?.pieces[at]]
    if (each === undefined || piece === undefined)
      throw new Error('a part was opened before it was given out')
    const database = piece.kind === 'databases' ? undefined : piece.database
    const bytes = withHead(database, each.read(inner))
    const counter = createRowCounter()
    counters.push(counter)
    yield* counts === 'exact' ? counter.through(bytes) : bytes
    ended.add(name)
  }

  async function* parts(): AsyncGenerator<Part> {
    plan = await prepare()
    const part = (
      name: string,
      open: (inner: AbortSignal) => Bytes,
      release: () => Promise<void> = async () => undefined,
    ): Part => {
      partNames.push(name)
      return { name, format: 'sql', open: (inner) => open(AbortSignal.any([running, inner])), release }
    }
    yield part(STRUCTURE, (inner) => openTool(STRUCTURE, (tool) => structureArguments(tool, facts), inner))
    for (const [at, piece] of plan.pieces.entries()) {
      const name = rowsName(at + 1)
      const release = async () => await held[at]?.[Symbol.asyncDispose]()
      yield {
        ...part(name, (inner) => openRows(name, at, inner), release),
        estimateBytes: Math.round(piece.bytes),
      }
    }
    if (facts.triggers || facts.events) {
      const args = (tool: Tool) => actionArguments(tool, facts)
      yield part(TRIGGERS_AND_EVENTS, (inner) => openTool(TRIGGERS_AND_EVENTS, args, inner))
    }
  }

  return {
    parts,
    partNames,
    isWhole() {
      if (plan === undefined || !partNames.every((name) => ended.has(name))) return false
      const there = new Set(structure.result().map(({ database, table }) => `${database}\0${table}`))
      const missing = plan.tables.filter(({ database, table }) => !there.has(`${database}\0${table}`))
      const unknown = sumOf(counters).filter(({ database, table }) => !there.has(`${database}\0${table}`))
      if (missing.length + unknown.length > 0) throw vanished([...missing, ...unknown])
      return true
    },
    definitions: () => plan?.definitions,
    counted: () => sumOf([structure, ...counters]),
    position() {
      if (snapshot?.position === undefined) return undefined
      return {
        before: snapshot.position,
        after: snapshot.position,
        exact: true,
        meaning:
          snapshot.lock === 'global'
            ? 'binary log at the snapshot, read while FLUSH TABLES WITH READ LOCK held back all commits'
            : 'binary log at the snapshot, read while all tables of the dump were locked; other tables may have changed at that moment',
      }
    },
    consistency:
      facts.nonTransactional.length === 0
        ? 'one snapshot of all tables, shared by several connections'
        : 'one snapshot of all transactional tables, shared by several connections; the others as they were read',
    facts: () => ({
      rows: plan?.pieces.map((piece, at) => ({ part: rowsName(at + 1), of: describe(piece) })) ?? [],
    }),
    async [Symbol.asyncDispose]() {
      await letGo()
    },
  }
}

/**
 * The tool names a database only where it dumps whole ones, and here no character set. MariaDB's sandbox line must stay
 * the first (see by-hand.ts), and is a statement without an end: so behind the first statement that has one.
 */
async function* withHead(database: string | undefined, input: Bytes): AsyncGenerator<Uint8Array> {
  const lines = `${NAMES_LINE}${database === undefined ? '' : `USE ${quoteName(database)};\n`}`
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const piece of input) {
    if (head === undefined) {
      yield piece
      continue
    }
    head = Buffer.concat([head, piece])
    const end = head.indexOf(';\n')
    if (end === -1) continue
    const line = end + 2
    yield Buffer.concat([head.subarray(0, line), Buffer.from(lines), head.subarray(line)])
    head = undefined
  }
  if (head !== undefined) throw new Error('the dump of the rows has no head')
}

function sumOf(counters: readonly RowCounter[]): readonly TableCount[] {
  const sums = new Map<string, { database: string; table: string; rows: number }>()
  for (const { database, table, rows = 0 } of counters.flatMap((counter) => counter.result())) {
    const key = `${database}\0${table}`
    const known = sums.get(key)
    if (known === undefined) sums.set(key, { database, table, rows })
    else known.rows += rows
  }
  return [...sums.values()]
}

function describe(piece: Piece): readonly string[] {
  switch (piece.kind) {
    case 'databases':
      return piece.databases
    case 'tables':
      return piece.tables.map((table) => `${piece.database}.${table}`)
    case 'range':
      return [`${piece.database}.${piece.table} where ${piece.where}`]
  }
}

function notReady(tool: Tool): LifeboatError {
  return new LifeboatError(
    'timed-out',
    `unable to start '${tool.name}' several times: not all of them were ready within ${READY_MS / 1000} s`,
    { hint: 'The server or the way to it is too slow just now: run again later, or with --jobs 1.' },
  )
}

function alwaysChanging(target: string): LifeboatError {
  return new LifeboatError(
    'source-protected',
    `unable to open one snapshot of '${target}': tables are made and dropped there all the time`,
    { hint: 'Hold back schema changes and run again, or run with --jobs 1.' },
  )
}

function vanished(tables: readonly Pick<TableInfo, 'database' | 'table'>[]): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    `unable to complete the dump: dropped or renamed while it ran: ${list(tables)}`,
    { hint: 'Hold back schema changes and run again.' },
  )
}
