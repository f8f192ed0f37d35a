import type { Clock } from '../../core/clock.ts'
import type { EngineContext, PartSource, RestoreOptions, RestoreResult } from '../../core/engine.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { createSlots } from '../../core/slots.ts'
import type { ConnectionSource, OracleConnection } from './connection.ts'
import { DROP_TABLE, DROP_USER } from './dictionary-statements.ts'
import { type ImportVerdict, judgeImport } from './import-log.ts'
import { readLog } from './job.ts'
import { readJobLog } from './job-log.ts'
import type { JobRunner } from './job-runner.ts'
import { decodeLog } from './log-text.ts'
import { findOccupied } from './occupied.ts'
import { newRun, pieceName, type RunNames } from './pieces.ts'
import { checkRestore, checkRoom, createTablespaces } from './restore-preflight.ts'
import { beginRun, clearDeadRuns } from './run.ts'
import { readServerFacts, type ServerFacts } from './server-facts.ts'
import { fileBytes, writeServerFile } from './server-files.ts'
import { openShuttle, type Shuttle } from './shuttle.ts'
import { readStoredFacts, type StoredFacts } from './stored-facts.ts'
import type { OracleOptions, Remap } from './url-options.ts'

export interface RestoreSetting {
  readonly source: ConnectionSource
  readonly options: OracleOptions
  readonly context: EngineContext
  readonly clock: Clock
  readonly runner: JobRunner
}

const CLEAR_MS = 60_000
/** Sessions that write pieces at once, at most: each holds 2 MiB. */
const MOST_WRITERS = 4

export async function restoreByDatapump(
  parts: PartSource,
  setting: RestoreSetting,
  how: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const { source, options, clock, context } = setting
  const { onProgress } = how
  const stored = readStoredFacts(parts.contents)
  await using connection = await source.open(signal)
  const facts = await readServerFacts(connection, signal)
  const warnings = [...checkRestore(stored, facts, options)]
  await clearDeadRuns(source, onProgress, signal)
  await refuseConflicts(connection, parts, setting, { stored, facts, how }, signal)
  await checkRoom(connection, parts, facts, options, signal)
  const created = await createTablespaces(connection, stored, options, signal)
  const names = newRun(clock.now())
  const run = await beginRun(source, names, options.directory, signal)
  let shuttle: Shuttle | undefined
  let verdict: ImportVerdict
  try {
    if (options.via === 's3')
      shuttle = await openShuttle({ context, clock, directory: options.directory, onProgress }, names, signal)
    await writePieces(parts, { connection, names, shuttle, setting, how }, signal)
    // Not before the last byte of the backup was verified: what it replaces may be all that there is.
    if (how.replace) await dropConflicts(connection, parts, setting, { stored, how }, signal)
    verdict = await importPieces(connection, { names, stored, facts, setting, how }, signal)
  } finally {
    const cleared = await Promise.allSettled([
      run.clear(AbortSignal.timeout(CLEAR_MS)),
      shuttle?.clear(AbortSignal.timeout(CLEAR_MS)),
    ])
    for (const result of cleared) {
      if (result.status === 'fulfilled') continue
      const { hint } = result.reason instanceof LifeboatError ? result.reason : {}
      onProgress?.({ kind: 'warning', message: [messageOf(result.reason), hint].filter(Boolean).join('. ') })
    }
  }
  return {
    restored: [
      ...stored.schemas.map((name) => `schema ${renamed(name, options.remapSchemas)}`),
      ...created.map((name) => `tablespace ${name}`),
    ],
    notRestored: verdict.notRestored,
    warnings: [...warnings, ...verdict.warnings],
  }
}

function renamed(name: string, remap: Remap): string {
  const to = remap.get(name)
  return to === undefined ? name : `${name} as ${to}`
}

async function refuseConflicts(
  connection: OracleConnection,
  parts: PartSource,
  { options }: RestoreSetting,
  {
    stored,
    facts,
    how,
  }: { readonly stored: StoredFacts; readonly facts: ServerFacts; readonly how: RestoreOptions },
  signal: AbortSignal,
): Promise<void> {
  const { conflicts } = await findOccupied(connection, parts.contents, options, signal)
  if (conflicts.length > 0 && !how.replace) {
    throw new LifeboatError(
      'confirmation-required',
      `unable to restore: the target already holds ${conflicts.map((name) => `'${name}'`).join(', ')}`,
      { hint: 'Nothing was changed. Give an empty server, or add --replace to drop what the backup names.' },
    )
  }
  if (stored.mode === 'SCHEMA' && conflicts.includes(facts.user)) {
    throw new LifeboatError(
      'unsupported',
      `unable to replace schema '${facts.user}': it is the account of this session`,
      {
        hint: 'Nothing was changed. Connect as another administrator, or restore it under another name by remap-schema=.',
      },
    )
  }
}

async function dropConflicts(
  connection: OracleConnection,
  parts: PartSource,
  { options }: RestoreSetting,
  { stored, how }: { readonly stored: StoredFacts; readonly how: RestoreOptions },
  signal: AbortSignal,
): Promise<void> {
  const { conflicts } = await findOccupied(connection, parts.contents, options, signal)
  if (conflicts.length === 0) return
  how.onProgress?.({
    kind: 'step',
    message: `dropping ${conflicts.length} schemas or tables that the backup names`,
  })
  if (stored.mode === 'SCHEMA') {
    for (const name of conflicts) await connection.call(DROP_USER, { p_schema: name }, {}, signal)
    return
  }
  const [first = ''] = stored.schemas
  const schema = options.remapSchemas.get(first) ?? first
  for (const table of stored.tables) {
    if (!conflicts.includes(`${schema}.${table}`)) continue
    await connection.call(DROP_TABLE, { p_schema: schema, p_table: table }, {}, signal)
  }
}

async function writePieces(
  parts: PartSource,
  given: {
    readonly connection: OracleConnection
    readonly names: RunNames
    readonly shuttle: Shuttle | undefined
    readonly setting: RestoreSetting
    readonly how: RestoreOptions
  },
  signal: AbortSignal,
): Promise<void> {
  const { connection, names, shuttle, how } = given
  const { source, options } = given.setting
  const { directory } = options
  const pieces = parts.parts.filter(({ format }) => format === 'dmp')
  const mebibytes = Math.ceil(pieces.reduce((sum, { plainBytes }) => sum + plainBytes, 0) / 1024 ** 2)
  given.how.onProgress?.({
    kind: 'step',
    message: `bringing ${pieces.length} pieces, ${mebibytes} MiB in all, into ${directory} at the server`,
  })
  const slots = createSlots(Math.min(how.jobs ?? 1, MOST_WRITERS))
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const sizes = new Map<string, number>()
  const results = await Promise.allSettled(
    pieces.map((part, index) =>
      slots.run(async () => {
        const name = pieceName(names, index + 1)
        try {
          if (shuttle !== undefined) {
            sizes.set(name, await shuttle.write(name, parts.open(part.name, both), both))
            return
          }
          await using session = await source.open(both)
          sizes.set(
            name,
            await writeServerFile(session, { directory, name }, parts.open(part.name, both), both),
          )
        } catch (thrown) {
          failed.abort(thrown)
          throw thrown
        }
      }, both),
    ),
  )
  const first = results.find((result) => result.status === 'rejected')
  if (first !== undefined) throw failed.signal.aborted ? failed.signal.reason : first.reason
  if (shuttle !== undefined) await shuttle.download(connection, signal)
  for (const [index, { plainBytes }] of pieces.entries()) {
    const name = pieceName(names, index + 1)
    const there = await fileBytes(connection, directory, name, signal)
    if (sizes.get(name) === plainBytes && there === plainBytes) continue
    throw new LifeboatError(
      'tool-failed',
      `unable to bring piece '${name}' to the server: ${there ?? 'none'} of its ${plainBytes} bytes are there`,
      { hint: 'Look for room in the directory at the server, then run again with --replace.' },
    )
  }
}

async function importPieces(
  connection: OracleConnection,
  given: {
    readonly names: RunNames
    readonly stored: StoredFacts
    readonly facts: ServerFacts
    readonly setting: RestoreSetting
    readonly how: RestoreOptions
  },
  signal: AbortSignal,
): Promise<ImportVerdict> {
  const { names, stored, facts, how } = given
  const { options, runner, clock } = given.setting
  const [schema = ''] = stored.schemas
  const order = {
    names,
    directory: options.directory,
    mode: stored.mode,
    schemas: stored.schemas,
    tables: stored.tables.map((table) => ({ schema, table })),
    parallel: facts.enterprise ? (how.jobs ?? 1) : 1,
    remapSchemas: options.remapSchemas,
    remapTablespaces: options.remapTablespaces,
    tableExistsAction: options.tableExistsAction,
  }
  const result = await runner.import(connection, order, how.onProgress, signal)
  const log = await readLog(connection, options.directory, names, clock, signal)
  return judgeImport(
    readJobLog(decodeLog(log, facts.characterSet).text, names.run),
    result,
    options.tolerated,
  )
}
