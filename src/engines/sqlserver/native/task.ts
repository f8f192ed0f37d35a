import type { Clock } from '../../../core/clock.ts'
import type { EngineEvent } from '../../../core/engine.ts'
import { LifeboatError, throwIfAborted } from '../../../core/errors.ts'
import { sqlNumberOf } from '../failures.ts'
import type { Session, SqlRow } from '../session.ts'
import { explainTask } from './explain-task.ts'
import { ALL_TASKS_TEXT, CANCEL_TASK_TEXT, type Statement, TASK_STATUS_TEXT } from './statements.ts'

/** How often a task is asked for, at first and in the long run. RDS refreshes every two minutes or 5 %, but shows ends at once. */
const FIRST_POLL_MS = 500
const POLL_MS = 5_000
/** How long a cancelled task may take to say so. */
const CANCEL_MS = 60_000
/** Asked for and not listed so often in a row: the task is gone. */
const LOST_POLLS = 15

export interface TaskContext {
  /** A session of its own each time: a task runs for hours, and its connection may not live as long. */
  openSession(signal: AbortSignal): Promise<Session>
  readonly clock: Clock
  readonly onProgress: ((event: EngineEvent) => void) | undefined
}

export interface TaskEnd {
  readonly id: number
  readonly info: string
}

export interface TaskState {
  readonly id: number
  readonly lifecycle: string
  readonly percent: number | undefined
  readonly info: string
  /** Of its files; empty where it has none. */
  readonly arn: string
}

/**
 * Starts a task of RDS and follows it by its own id to its end: a task of the same database that somebody else started
 * is none of ours. `doing` is said in progress and errors: `back up database 'shop'`. On abort the task is cancelled.
 */
export async function runTask(
  context: TaskContext,
  statement: Statement,
  doing: string,
  signal: AbortSignal,
): Promise<TaskEnd> {
  let id: number
  try {
    id = await startTask(context, statement, doing, signal)
  } catch (thrown) {
    // The server may have taken it all the same, unless it was the one to refuse.
    if (sqlNumberOf(thrown) === undefined) await cancelUnheard(context, statement)
    throw thrown
  }
  try {
    return await follow(context, id, doing, signal)
  } catch (thrown) {
    if (thrown instanceof TaskFailure) throw thrown.error
    await cancelTask(context, id)
    throw thrown
  }
}

/** The task itself has ended badly: nothing is left to cancel. */
class TaskFailure extends Error {
  readonly error: LifeboatError
  constructor(error: LifeboatError) {
    super(error.message)
    this.error = error
  }
}

async function startTask(
  context: TaskContext,
  { text, parameters }: Statement,
  doing: string,
  signal: AbortSignal,
): Promise<number> {
  await using session = await context.openSession(signal)
  const rows = await session.query(text, signal, parameters)
  const id = rows.map((row) => Number(columnOf(row, 'task_id'))).find((value) => value > 0)
  if (id !== undefined) return id
  throw new LifeboatError('tool-failed', `unable to ${doing}: the server started no task`, {
    hint: 'Look at what it says to EXEC msdb.dbo.rds_task_status; nothing was stored.',
  })
}

async function follow(
  context: TaskContext,
  id: number,
  doing: string,
  signal: AbortSignal,
): Promise<TaskEnd> {
  let said = ''
  let lost = 0
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(2 * pauseMs, POLL_MS)) {
    const state = await readState(context, id, signal)
    lost = state === undefined ? lost + 1 : 0
    if (lost >= LOST_POLLS) throw new TaskFailure(lostTask(id, doing))
    if (state?.lifecycle === 'SUCCESS') return { id, info: state.info }
    if (state?.lifecycle === 'ERROR' || state?.lifecycle === 'CANCELLED') {
      throw new TaskFailure(explainTask(doing, id, state.lifecycle, state.info))
    }
    const saying = state === undefined ? '' : progressOf(doing, state)
    if (saying !== '' && saying !== said) context.onProgress?.({ kind: 'step', message: saying })
    said = saying
    await context.clock.sleep(pauseMs, signal)
  }
}

/** A connection that breaks between two looks harms nothing: the task runs on the server. */
async function readState(
  context: TaskContext,
  id: number,
  signal: AbortSignal,
): Promise<TaskState | undefined> {
  try {
    await using session = await context.openSession(signal)
    const rows = await session.query(TASK_STATUS_TEXT, signal, { task_id: id })
    return rows.map(readTask).find((task) => task.id === id)
  } catch (thrown) {
    throwIfAborted(signal)
    if (thrown instanceof LifeboatError && thrown.code === 'engine-unreachable') return undefined
    throw thrown
  }
}

/** One row of rds_task_status. */
export function readTask(row: SqlRow): TaskState {
  const percent = Number(columnOf(row, '% complete') ?? Number.NaN)
  return {
    id: Number(columnOf(row, 'task_id')),
    lifecycle: String(columnOf(row, 'lifecycle') ?? '').toUpperCase(),
    percent: Number.isFinite(percent) ? percent : undefined,
    info: String(columnOf(row, 'task_info') ?? ''),
    arn: String(columnOf(row, 's3_object_arn') ?? ''),
  }
}

function progressOf(doing: string, { id, lifecycle, percent }: TaskState): string {
  if (lifecycle === 'CREATED') return `${doing}: task ${id} is queued (RDS may take five minutes to begin)`
  return `${doing}: task ${id}, ${percent ?? 0} % done`
}

/** Tasks of this server that are not at their end, whoever started them. */
export async function unfinishedTasks(
  context: TaskContext,
  signal: AbortSignal,
): Promise<readonly TaskState[]> {
  await using session = await context.openSession(signal)
  const tasks = (await session.query(ALL_TASKS_TEXT, signal)).map(readTask)
  return tasks.filter(({ lifecycle }) => lifecycle === 'CREATED' || lifecycle === 'IN_PROGRESS')
}

/** A task whose id was lost on its way here is known by its files: their names are this run's own. */
async function cancelUnheard(context: TaskContext, { text, parameters }: Statement): Promise<void> {
  const arns = Object.values(parameters).filter((value) => String(value).startsWith('arn:'))
  try {
    for (const { id, arn } of await unfinishedTasks(context, AbortSignal.timeout(CANCEL_MS))) {
      if (arns.includes(arn)) await cancelTask(context, id)
    }
  } catch {
    context.onProgress?.({
      kind: 'warning',
      message: `a task may have been started on the server nevertheless (${text.replace(/ @.*/s, '')}): EXEC msdb.dbo.rds_task_status tells, rds_cancel_task ends it`,
    })
  }
}

/** Bounded in time: whoever interrupts a run is waiting for the prompt. The error that led here is the news. */
export async function cancelTask(context: TaskContext, id: number): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_MS)
  try {
    {
      await using session = await context.openSession(signal)
      await session.query(CANCEL_TASK_TEXT, signal, { task_id: id })
    }
    for (;;) {
      const state = await readState(context, id, signal)
      if (state === undefined || /^(CANCELLED|ERROR|SUCCESS)$/.test(state.lifecycle)) return
      await context.clock.sleep(POLL_MS / 5, signal)
    }
  } catch {
    context.onProgress?.({
      kind: 'warning',
      message: `task ${id} may still run on the server: EXEC msdb.dbo.rds_cancel_task @task_id = ${id}`,
    })
  }
}

function lostTask(id: number, doing: string): LifeboatError {
  return new LifeboatError(
    'engine-unreachable',
    `unable to ${doing}: task ${id} can no longer be asked for`,
    {
      hint: `It may still run: EXEC msdb.dbo.rds_task_status @task_id = ${id} tells, once the server answers.`,
    },
  )
}

/** By name, whatever its case: AWS publishes neither the types nor the order, and adds columns. */
function columnOf(row: SqlRow, name: string): SqlRow[string] | undefined {
  const key = Object.keys(row).find((each) => each.toLowerCase() === name)
  return key === undefined ? undefined : row[key]
}
