import { systemClock } from '../../core/clock.ts'
import type { EngineEvent } from '../../core/engine.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { ConnectionSource, OracleConnection } from './connection.ts'
import { DROP_MASTER, READ_JOB, STOP_JOB } from './datapump-statements.ts'
import { oraOf } from './failures.ts'
import { isRun, namesOfRun, pieceName, type RunNames } from './pieces.ts'
import { BEGIN_RUN, CLAIM_RUN, END_RUN, READ_RUNS } from './run-statements.ts'
import { removeRunFiles } from './server-files.ts'

/** A run as the server knows it: its table, which is locked as long as the run lives. */
export interface ServerRun {
  readonly names: RunNames
  readonly directory: string
  /** Stops the job, removes the files, drops the table. Says by hand-typed lines what it could not. */
  clear(signal: AbortSignal): Promise<void>
}

/** How long a job that was stopped may take to be gone. */
const STOP_POLLS = 60
const STOP_POLL_MS = 500
const END_MS = 20_000

export async function beginRun(
  source: ConnectionSource,
  names: RunNames,
  directory: string,
  signal: AbortSignal,
): Promise<ServerRun> {
  // Its own session: the others commit, and a commit lets the lock go.
  const keeper = await source.open(signal)
  try {
    await keeper.call(BEGIN_RUN, { p_run: names.run, p_directory: directory }, {}, signal)
  } catch (thrown) {
    await keeper[Symbol.asyncDispose]()
    await endRun(source, names)
    throw thrown
  }
  let held = true
  return {
    names,
    directory,
    async clear(inner) {
      if (!held) return
      try {
        await using connection = await source.open(inner)
        await clearRun(connection, names, directory, inner, async () => {
          await keeper[Symbol.asyncDispose]()
        })
        held = false
      } catch (thrown) {
        // Without the lock the next run finds what is left.
        await keeper[Symbol.asyncDispose]()
        throw leftBehind(thrown, names, directory)
      }
    },
  }
}

/** For a table that was made although its answer was lost. Where not even that can be asked, the next run does it. */
async function endRun(source: ConnectionSource, { run }: RunNames): Promise<void> {
  const signal = AbortSignal.timeout(END_MS)
  try {
    await using connection = await source.open(signal)
    await connection.call(END_RUN, { p_run: run }, {}, signal)
  } catch {
    // The failure that led here is the one to be told.
  }
}

/** Job first, or it would write on; the table last, or nobody would find the rest. */
async function clearRun(
  connection: OracleConnection,
  names: RunNames,
  directory: string,
  signal: AbortSignal,
  unlock: () => Promise<void>,
): Promise<void> {
  await stopJob(connection, names.job, signal)
  await removeRunFiles(connection, directory, names.run, signal)
  await unlock()
  await connection.call(END_RUN, { p_run: names.run }, {}, signal)
}

async function stopJob(connection: OracleConnection, job: string, signal: AbortSignal): Promise<void> {
  for (let poll = 0; poll < STOP_POLLS; poll++) {
    const [found] = await connection.query(READ_JOB, { p_job: job }, signal)
    // What does not run any more is its master table, nothing else.
    if (found === undefined || found.state === 'NOT RUNNING') break
    if (poll > 0) await systemClock.sleep(STOP_POLL_MS, signal)
    try {
      await connection.call(STOP_JOB, { p_job: job }, {}, signal)
    } catch (thrown) {
      // It ended by itself meanwhile, or can't be attached to any more: its master table is all that is left.
      if (![31626, 31623, 31627, 31640, 31638, 39002].includes(oraOf(thrown) ?? 0)) throw thrown
    }
  }
  await connection.call(DROP_MASTER, { p_job: job }, {}, signal)
}

/** Clears what dead runs of this account left; a live one keeps its lock. Resolves with how many were cleared. */
export async function clearDeadRuns(
  source: ConnectionSource,
  onProgress: ((event: EngineEvent) => void) | undefined,
  signal: AbortSignal,
): Promise<number> {
  await using connection = await source.open(signal)
  const rows = await connection.query(READ_RUNS, {}, signal)
  let cleared = 0
  for (const { name } of rows) {
    if (typeof name !== 'string' || !isRun(name)) continue
    const names = namesOfRun(name)
    try {
      // A session each: the lock ends with it.
      await using claimant = await source.open(signal)
      const outs = { p_directory: { type: 'string' } } as const
      const { p_directory } = await claimant.call(CLAIM_RUN, { p_run: name }, outs, signal)
      if (typeof p_directory === 'string') {
        await clearRun(claimant, names, p_directory, signal, async () => undefined)
      } else await claimant.call(END_RUN, { p_run: name }, {}, signal)
      cleared += 1
    } catch (thrown) {
      const ora = oraOf(thrown)
      // Alive, or cleared by another run just now.
      if (ora === 54 || ora === 942) continue
      if (signal.aborted) throw thrown
      onProgress?.({ kind: 'warning', message: messageOf(leftBehind(thrown, names, undefined)) })
    }
  }
  if (cleared > 0) {
    onProgress?.({ kind: 'step', message: `cleared ${cleared} earlier runs that were cut off at the server` })
  }
  return cleared
}

function leftBehind(thrown: unknown, names: RunNames, directory: string | undefined): LifeboatError {
  const where = directory ?? 'DATA_PUMP_DIR'
  return new LifeboatError(
    thrown instanceof LifeboatError ? thrown.code : 'internal',
    `unable to clear run '${names.run}' from the server: ${messageOf(thrown)}`,
    {
      hint: `The next run with this account tries again; by hand: EXEC UTL_FILE.FREMOVE('${where}', '${pieceName(names, 1)}') for each piece and for '${names.log}', then DROP TABLE ${names.job} PURGE and DROP TABLE ${names.run} PURGE.`,
      cause: thrown,
    },
  )
}
