import { LifeboatError, messageOf, toLifeboatError } from '../core/errors.ts'
import type { OnEvent } from './run-event.ts'
import type { BesideRecord, RunbookJournal } from './runbook-journal.ts'
import type { BesideReport, RunbookReport } from './runbook-report.ts'

/** A dump of a job that goes on beside a run: should the way fail, there is a fresh backup for another. */
export interface BesideDump {
  readonly job: string
  /** Resolves once it is whole. */
  run(signal: AbortSignal): Promise<{ readonly backup: string; readonly sink: string }>
}

export interface BesideRun {
  /** Once the run is carried out: one that can't even begin leaves nothing to go on. */
  begin(journal: RunbookJournal): void
}

export interface BesideRequest {
  readonly dump: BesideDump
  readonly onEvent: OnEvent
  /** A line for people, whether they sit at a terminal or not. */
  readonly onTell: (line: string) => void
  /** Writes it down after the run has let go of its journal; resolves with nothing done where somebody else is at the run by then. */
  readonly late: (record: BesideRecord, report: RunbookReport) => Promise<void>
}

/**
 * It neither delays the run nor fails it: what goes wrong is a warning. Where the run ends first, whichever way, the dump goes on; whoever
 * interrupts the process ends both.
 */
export async function withDumpBeside(
  request: BesideRequest,
  work: (beside: BesideRun) => Promise<RunbookReport>,
  signal: AbortSignal,
): Promise<RunbookReport> {
  const { dump, onEvent, onTell } = request
  let journal: RunbookJournal | undefined
  let ending: Promise<BesideRecord> | undefined
  let last: BesideRecord | undefined

  async function note(record: BesideRecord): Promise<void> {
    last = record
    try {
      await journal?.append(record, new AbortController().signal)
    } catch (thrown) {
      onEvent({
        kind: 'warning',
        message: `unable to write down the dump beside the run: ${messageOf(thrown)}`,
      })
    }
  }

  async function carry(): Promise<BesideRecord> {
    const { job } = dump
    const at = () => new Date().toISOString()
    await note({ event: 'beside', at: at(), job, state: 'under-way' })
    try {
      const { backup, sink } = await dump.run(signal)
      await note({ event: 'beside', at: at(), job, state: 'done', backup, sink })
      onTell(`the dump of job ${job} beside the run is whole: backup ${backup} at ${sink}`)
    } catch (thrown) {
      const { message, hint } = toLifeboatError(thrown)
      await note({ event: 'beside', at: at(), job, state: 'failed', reason: message })
      // Whoever has interrupted it knows.
      if (!signal.aborted)
        onEvent({
          ...{ kind: 'warning', message: `the dump of job ${job} beside the run has failed: ${message}` },
          ...(hint !== undefined && { hint }),
        })
    }
    return last as BesideRecord
  }

  const beside: BesideRun = {
    begin(to) {
      const before = lastBeside(to)
      if (before?.state === 'done' && before.job === dump.job) {
        last = before
        onTell(`job ${dump.job} was dumped beside this run before: backup ${before.backup} at ${before.sink}`)
        return
      }
      journal = to
      ending = carry()
    },
  }

  let report: RunbookReport | undefined
  let failure: LifeboatError | undefined
  try {
    report = await work(beside)
  } catch (thrown) {
    failure = toLifeboatError(thrown)
    report = reportIn(failure)
  }
  journal = undefined
  const known = last
  if (ending !== undefined && known?.state === 'under-way' && !signal.aborted) tellAlone(request, failure)
  const record = (await ending) ?? last
  if (record === undefined) {
    if (failure !== undefined) throw failure
    return report as RunbookReport
  }
  const whole = report === undefined ? undefined : { ...report, beside: besideReport([record]) }
  if (record !== known && whole !== undefined) await request.late(record, whole)
  if (failure !== undefined) throw withHint(failure, record, whole)
  return whole as RunbookReport
}

function tellAlone({ dump, onEvent, onTell }: BesideRequest, failure: LifeboatError | undefined): void {
  const goesOn = `the dump of job ${dump.job} beside it goes on (Ctrl-C ends it, and takes nothing back of the run)`
  if (failure === undefined) {
    onTell(`the run is done; ${goesOn}`)
    return
  }
  const { message, hint } = failure
  onEvent({
    ...{ kind: 'warning', message: `the run has ended: ${message}; ${goesOn}` },
    ...(hint !== undefined && { hint }),
  })
}

/** Named where a tired person looks next. */
function withHint(
  error: LifeboatError,
  record: BesideRecord,
  report: RunbookReport | undefined,
): LifeboatError {
  const { code, message, cause, details } = error
  const news = besideText(record)
  return new LifeboatError(code, message, {
    hint: `${error.hint ?? 'Mend the cause.'} ${news}`,
    cause,
    details: { ...details, ...(report !== undefined && { report }) },
  })
}

function besideText({ job, state, backup, sink, reason }: BesideRecord): string {
  if (state === 'done')
    return `Beside it job ${job} was dumped: backup ${backup} at ${sink}, which lifeboat migrate native --backups ${sink} --job ${job} or lifeboat restore ${backup} --from ${sink} --job ${job} takes.`
  return `The dump of job ${job} beside it has not ended well: ${reason ?? 'it was interrupted'}.`
}

export function lastBeside({ records }: Pick<RunbookJournal, 'records'>): BesideRecord | undefined {
  return records.findLast((record) => record.event === 'beside')
}

export function besideReport(records: RunbookJournal['records']): BesideReport | null {
  const record = lastBeside({ records })
  if (record === undefined) return null
  const { job, state, backup, sink, reason } = record
  return { job, state, backup: backup ?? null, sink: sink ?? null, reason: reason ?? null }
}

function reportIn({ details }: LifeboatError): RunbookReport | undefined {
  const report = details?.report
  return typeof report === 'object' && report !== null ? (report as RunbookReport) : undefined
}
