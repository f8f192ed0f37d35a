import { once } from '../../core/bytes.ts'
import type { Clock } from '../../core/clock.ts'
import type { Dump, DumpOptions, DumpResult, EngineContext, Part } from '../../core/engine.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { NotCaptured } from '../../core/manifest.ts'
import { orAborted } from '../../core/until-aborted.ts'
import { byHand } from './by-hand.ts'
import type { ConnectionSource, OracleConnection } from './connection.ts'
import { READ_SCN, READ_SCN_BY_TIME } from './dictionary-statements.ts'
import { type Counted, countBesideJob, settleCounts } from './dump-counts.ts'
import { judgeExport } from './export-log.ts'
import { readLog } from './job.ts'
import { type JobLog, readJobLog } from './job-log.ts'
import type { JobRunner } from './job-runner.ts'
import { decodeLog } from './log-text.ts'
import { choosePieceBytes, MOST_PIECES, newRun, pieceName, type RunNames } from './pieces.ts'
import { beginRun, clearDeadRuns, type ServerRun } from './run.ts'
import { queryIfAllowed, readServerFacts, type ServerFacts, text } from './server-facts.ts'
import { fileBytes, readServerFile } from './server-files.ts'
import { openShuttle, type Shuttle } from './shuttle.ts'
import type { StoredFacts } from './stored-facts.ts'
import { refuseNothing, type Survey, survey } from './survey.ts'
import type { OracleOptions } from './url-options.ts'

export interface DumpSetting {
  readonly source: ConnectionSource
  readonly options: OracleOptions
  readonly context: EngineContext
  readonly clock: Clock
  readonly runner: JobRunner
}

interface Piece {
  readonly name: string
  readonly bytes: number
}

interface Exported {
  readonly found: Survey
  readonly facts: ServerFacts
  readonly scn: string
  readonly log: JobLog
  readonly logBytes: Uint8Array
  /** Whether a name can be looked up in the log. */
  readonly readable: (name: string) => boolean
  readonly warnings: readonly string[]
  readonly notCaptured: readonly NotCaptured[]
  readonly pieces: readonly Piece[]
  readonly pieceBytes: number
}

/** How long a run that is given up may take to clear the server. */
const CLEAR_MS = 60_000

/**
 * One job, then its pieces: their headers and the master table in them are written at the job's very end, so nothing may
 * be read before. They stay at the server until the backup is committed.
 */
export function dumpByDatapump(setting: DumpSetting, dumpOptions: DumpOptions, signal: AbortSignal): Dump {
  const { source, options, context, clock, runner } = setting
  const { counts, jobs = 1, onProgress } = dumpOptions
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const names = newRun(clock.now())
  let run: ServerRun | undefined
  let counting: Promise<readonly Counted[]> = Promise.resolve([])
  let exported: Exported | undefined
  let shuttle: Shuttle | undefined

  /** Ends its session, which would else lie idle for as long as the pieces travel. */
  async function exportAll(): Promise<Exported> {
    await clearDeadRuns(source, onProgress, both)
    await using connection = await source.open(both)
    const facts = await readServerFacts(connection, both)
    const found = await survey(connection, facts, options, both)
    refuseNothing(found)
    run = await beginRun(source, names, options.directory, both)
    const scn = await readScn(connection, both)
    if (counts === 'exact') {
      counting = countBesideJob(source, found.tables, scn, both)
      // Seen again by `finish`; until then a failure must not count as unhandled.
      counting.catch(() => undefined)
    }
    const pieceBytes = choosePieceBytes(options.pieceBytes, found.estimateBytes)
    const order = {
      names,
      directory: options.directory,
      mode: found.mode,
      schemas: found.schemas.map(({ name }) => name),
      tables: found.tables,
      parallel: facts.enterprise ? jobs : 1,
      scn,
      pieceBytes,
      version: options.version,
      tolerated: options.tolerated,
    }
    const result = await runner.export(connection, order, onProgress, both)
    const logBytes = await readLog(connection, options.directory, names, clock, both)
    const { text: logText, readable } = decodeLog(logBytes, facts.characterSet)
    const log = readJobLog(logText, names.run)
    const judged = judgeExport(log, result, options.tolerated)
    const pieces = await listPieces(connection, names, options.directory, log, both)
    if (options.via === 's3') {
      shuttle = await openShuttle({ context, clock, directory: options.directory, onProgress }, names, both)
      await shuttle.upload(connection, pieces, both)
    }
    return { found, facts, scn, log, logBytes, readable, ...judged, pieces, pieceBytes }
  }

  async function* parts(): AsyncGenerator<Part> {
    exported = await exportAll()
    const { logBytes, pieces } = exported
    const reader = shuttle
    for (const [index, piece] of pieces.entries()) {
      yield {
        name: partName(index + 1),
        format: 'dmp',
        estimateBytes: piece.bytes,
        open: (inner) => {
          const either = AbortSignal.any([both, inner])
          return reader === undefined ? readPiece(piece, either) : reader.read(piece, either)
        },
        release: async () => undefined,
      }
    }
    yield { name: 'job log', format: 'log', open: () => once(logBytes), release: async () => undefined }
  }

  async function* readPiece(piece: Piece, inner: AbortSignal): AsyncGenerator<Uint8Array> {
    await using connection = await source.open(inner)
    yield* readServerFile(connection, { directory: options.directory, ...piece }, inner)
  }

  async function clear(inner: AbortSignal): Promise<void> {
    const results = await Promise.allSettled([run?.clear(inner), shuttle?.clear(inner)])
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  return {
    parts: parts(),
    async finish(inner): Promise<DumpResult> {
      if (exported === undefined) throw new Error('the parts have not been read')
      const counted = await orAborted(counting, inner)
      return describe(exported, counted, { options, counts })
    },
    committed: clear,
    async [Symbol.asyncDispose]() {
      stop.abort(new LifeboatError('interrupted', 'the dump has ended'))
      await counting.catch(() => undefined)
      try {
        await clear(AbortSignal.timeout(CLEAR_MS))
      } catch (thrown) {
        // The run's own end is the news; the next run finds what is left by the table of this one.
        onProgress?.({ kind: 'warning', message: withHint(thrown) })
      }
    },
  }
}

function describe(
  exported: Exported,
  counted: readonly Counted[],
  { options, counts }: { readonly options: OracleOptions; readonly counts: 'exact' | 'off' },
): DumpResult {
  const { found, facts, scn, log, readable, pieces, pieceBytes } = exported
  const settled =
    counts === 'exact'
      ? settleCounts(counted, log, readable)
      : { tables: found.tables.map(({ schema, table }) => ({ database: schema, table })), warnings: [] }
  const schemas = found.schemas.map(({ name }) => name)
  const engine: StoredFacts = {
    layout: 'datapump',
    mode: found.mode,
    schemas,
    tables: found.mode === 'TABLE' ? found.tables.map(({ table }) => table) : [],
    tablespaces: found.tablespaces,
    characterSet: facts.characterSet,
    nationalCharacterSet: facts.nationalCharacterSet,
    version: facts.version,
    scn,
    pieceBytes,
  }
  const dumped = { schemas, directory: options.directory }
  return {
    contents: {
      format: 1,
      databases: found.schemas.map(({ name }) => ({ name })),
      tables: [...settled.tables],
      byHand: [
        ...pieces.map((_piece, index) => byHand({ name: partName(index + 1), format: 'dmp' }, dumped)),
        byHand({ name: 'job log', format: 'log' }, dumped),
      ],
      engine: { ...engine },
    },
    consistency:
      'the rows of all tables as of one system change number; definitions and sequences as of the job',
    notCaptured: [...found.notCaptured, ...exported.notCaptured],
    position: {
      before: scn,
      after: scn,
      exact: true,
      meaning: 'system change number (FLASHBACK_SCN of the job)',
    },
    warnings: [...exported.warnings, ...settled.warnings],
  }
}

export function partName(number: number): string {
  return `piece ${String(number).padStart(2, '0')}`
}

async function readScn(connection: OracleConnection, signal: AbortSignal): Promise<string> {
  const rows =
    (await queryIfAllowed(connection, READ_SCN, signal)) ??
    (await connection.query(READ_SCN_BY_TIME, {}, signal))
  const scn = text(rows[0]?.scn)
  if (/^\d+$/.test(scn)) return scn
  throw new Error(`the server gave '${scn}' as its system change number`)
}

/** The pieces that are there must be those that the log names. */
async function listPieces(
  connection: OracleConnection,
  names: RunNames,
  directory: string,
  log: JobLog,
  signal: AbortSignal,
): Promise<readonly Piece[]> {
  const pieces: Piece[] = []
  for (let number = 1; number <= MOST_PIECES; number++) {
    const name = pieceName(names, number)
    const bytes = await fileBytes(connection, directory, name, signal)
    if (bytes === undefined) break
    pieces.push({ name, bytes })
  }
  const isWhole = log.pieces.length === 0 || log.pieces.length === pieces.length
  if (pieces.length > 0 && isWhole) return pieces
  throw new LifeboatError(
    'tool-failed',
    `unable to find the pieces of the dump: ${pieces.length} are there, and the job's log names ${log.pieces.length}`,
    { hint: 'Make sure that nothing cleans the directory during a run, then run again.' },
  )
}

function withHint(thrown: unknown): string {
  const hint = thrown instanceof LifeboatError ? thrown.hint : undefined
  return hint === undefined ? messageOf(thrown) : `${messageOf(thrown)}. ${hint}`
}
