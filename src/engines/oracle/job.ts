import { collect } from '../../core/bytes.ts'
import type { Clock } from '../../core/clock.ts'
import type { EngineEvent } from '../../core/engine.ts'
import { abortReason, LifeboatError, throwIfAborted } from '../../core/errors.ts'
import type { Binds, OracleConnection } from './connection.ts'
import { READ_JOB, READ_JOB_STATUS } from './datapump-statements.ts'
import { jobError, oraOf } from './failures.ts'
import type { RunNames } from './pieces.ts'
import { fileBytes, readServerFile } from './server-files.ts'

const HANDLE = { p_handle: { type: 'number' }, p_failure: { type: 'string', bytes: 32_767 } } as const
const STATUS = {
  p_state: { type: 'string' },
  p_percent: { type: 'number' },
  p_errors: { type: 'number' },
  p_text: { type: 'string', bytes: 32_767 },
} as const
/** How long the server holds a question for news back before it says that there are none. */
const WAIT_S = 5
/** What a job says is kept for the message of its failure. */
const KEPT_LINES = 20

export interface JobResult {
  readonly errors: number
}

/** How long a job that is just being started is waited for when its run is given up. */
const START_GRACE_MS = 15_000

/**
 * Starts a job and resolves with its handle, which is valid in this session alone. An abort is heeded only afterwards:
 * the server would go on with a call that is cut, and start a job behind the back of whoever clears up.
 */
export async function startJob(
  connection: OracleConnection,
  { statement, binds, what }: { readonly statement: string; readonly binds: Binds; readonly what: string },
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  throwIfAborted(signal)
  const late = new AbortController()
  const onAbort = () => {
    clock.sleep(START_GRACE_MS, late.signal).then(
      () => late.abort(abortReason(signal)),
      () => undefined,
    )
  }
  signal.addEventListener('abort', onAbort, { once: true })
  let started: Awaited<ReturnType<typeof connection.call<'p_handle' | 'p_failure'>>>
  try {
    started = await connection.call(statement, binds, HANDLE, late.signal)
  } finally {
    signal.removeEventListener('abort', onAbort)
    late.abort()
  }
  throwIfAborted(signal)
  const { p_handle, p_failure } = started
  if (typeof p_handle === 'number') return p_handle
  throw jobError(`start ${what}`, typeof p_failure === 'string' ? p_failure : 'the server gives no reason')
}

/** Resolves once the job has COMPLETED; any other end throws with what it said last. */
export async function followJob(
  connection: OracleConnection,
  job: { readonly handle: number; readonly name: string; readonly what: string },
  onProgress: ((event: EngineEvent) => void) | undefined,
  signal: AbortSignal,
): Promise<JobResult> {
  const said: string[] = []
  let percent = -1
  let errors = 0
  for (;;) {
    let state: unknown
    try {
      const status = await connection.call(
        READ_JOB_STATUS,
        { p_handle: job.handle, p_timeout: WAIT_S },
        STATUS,
        signal,
      )
      state = status.p_state
      if (typeof status.p_errors === 'number') errors = Math.max(errors, status.p_errors)
      if (typeof status.p_text === 'string')
        said.push(...status.p_text.split('\n').filter((line) => line !== ''))
      said.splice(0, said.length - KEPT_LINES)
      if (typeof status.p_percent === 'number' && status.p_percent !== percent) {
        percent = status.p_percent
        onProgress?.({ kind: 'step', message: `${job.what}: ${percent} %` })
      }
    } catch (thrown) {
      // The handle ends with the job; whether it ended well its log says, and the pieces.
      if (oraOf(thrown) !== 31623 && oraOf(thrown) !== 31626) throw thrown
      const [left] = await connection.query(READ_JOB, { p_job: job.name }, signal)
      if (left === undefined) return { errors }
      state = left.state === 'NOT RUNNING' ? 'STOPPED' : left.state
      if (state !== 'STOPPED') throw thrown
    }
    if (state === 'COMPLETED') return { errors }
    if (state === 'STOPPED' || state === 'NOT RUNNING') {
      throw jobError(
        `finish ${job.what}`,
        [`the job '${job.name}' was stopped`, ...said.slice(-8)].join('\n'),
      )
    }
  }
}

const LOG_LOOKS = 20
const LOG_LOOK_MS = 500
const MOST_LOG_BYTES = 64 * 1024 * 1024

/** The whole log of a job: its last line names the job, whatever the language. It may come a moment after the end. */
export async function readLog(
  connection: OracleConnection,
  directory: string,
  names: RunNames,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let look = 1; ; look++) {
    const bytes = await fileBytes(connection, directory, names.log, signal)
    if (bytes === undefined || bytes > MOST_LOG_BYTES) {
      throw new LifeboatError(
        'tool-failed',
        `unable to read the job's log '${names.log}': ${bytes === undefined ? 'it is not there' : `it has ${bytes} bytes`}`,
        {
          hint: 'Without its log a job proves nothing: make sure that nothing cleans the directory, then run again.',
        },
      )
    }
    const log = await collect(
      readServerFile(connection, { directory, name: names.log, bytes }, signal),
    ).catch((thrown: unknown) => {
      // It grew while it was read.
      if (look < LOG_LOOKS && thrown instanceof LifeboatError && thrown.code === 'tool-failed')
        return undefined
      throw thrown
    })
    if (log !== undefined && isWholeLog(log, names)) return log
    if (look === LOG_LOOKS) {
      throw new LifeboatError(
        'tool-failed',
        `unable to trust the job's log '${names.log}': it does not end with the end of the job`,
        { hint: 'Look for a full disk and for cleaners in the directory at the server, then run again.' },
      )
    }
    await clock.sleep(LOG_LOOK_MS, signal)
  }
}

function isWholeLog(log: Uint8Array, { job }: RunNames): boolean {
  const lines = Buffer.from(log).toString('latin1').trimEnd().split('\n')
  return lines.length > 1 && lines.at(-1)?.includes(`"${job}"`) === true
}
