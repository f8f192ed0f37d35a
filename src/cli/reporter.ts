import type { OnEvent, RunEvent } from '../app/run-event.ts'
import type { LifeboatError } from '../core/errors.ts'
import type { Log } from './log.ts'
import { errorText } from './print-error.ts'
import { printable } from './printable.ts'
import { createProgress, type Progress } from './progress.ts'
import { columnsOf, wrap } from './wrap.ts'

export interface Warning {
  readonly message: string
  readonly hint?: string
}

/** What a person sees on stderr while a verb runs. Results and errors are printed elsewhere, after `close()`. */
export interface Reporter {
  readonly onEvent: OnEvent
  warn(warning: Warning): void
  /** A line of the result that is for people: shown on a terminal and off it, never with --json. */
  say(line: string): void
  /** An error after which the verb goes on with the next job; with --json it is in the result. */
  fail(error: LifeboatError): void
  /** What the verb did stands, with a warning; and yet its exit code is that of the error, where it had been 0. */
  readonly amiss: (error: LifeboatError) => void
  /** Of the first thing that went amiss; else 0. */
  readonly exitCode: number
  /** All goes to the log too; with `instead` there is nothing for people on stderr any more. */
  logTo(log: Log, instead: boolean): void
  /** What follows in the log is about this job. */
  about(job: string): void
  /** How the verb ended. True where people are to see the error on stderr. */
  end(exitCode: number, error?: LifeboatError): boolean
  /** All so far, for --json. */
  readonly warnings: readonly Warning[]
  /** Clears the progress away and gives the terminal back as it was. */
  close(): void
}

export interface ReporterOptions {
  readonly json: boolean
  readonly color: boolean
  /** Stacks of errors are shown. */
  readonly debug?: boolean
  /** Whether stderr is a terminal; without one, only warnings and final lines are shown. */
  readonly terminal: boolean
}

export function createReporter({ json, color, terminal, debug = false }: ReporterOptions): Reporter {
  const warnings: Warning[] = []
  const logs: Log[] = []
  let quiet = json
  let exitCode = 0
  let progress: Progress | undefined

  function line(text: string, label = '', paint = ''): void {
    if (quiet) return
    const wrapped = wrap(`${label}${text}`, columnsOf(process.stderr), '  ')
    const shown = color && paint !== '' ? `${paint}${label}\x1b[0m${wrapped.slice(label.length)}` : wrapped
    if (progress === undefined) process.stderr.write(`${shown}\n`)
    else progress.above(shown)
  }

  function warn(warning: Warning): void {
    warnings.push(warning)
    for (const log of logs) log.warn(warning)
    const hint = warning.hint === undefined ? '' : ` (${printable(warning.hint)})`
    line(` ${printable(warning.message)}${hint}`, 'warning:', '\x1b[33m')
  }

  function onEvent(event: RunEvent): void {
    if (event.kind !== 'warning') for (const log of logs) log.event(event)
    const lively = terminal && !quiet
    switch (event.kind) {
      case 'warning':
        warn({ message: event.message, ...(event.hint !== undefined && { hint: event.hint }) })
        return
      case 'step':
        if (lively) line(printable(event.message))
        return
      default:
        if (!lively) return
        progress ??= createProgress(process.stderr)
        progress.onEvent(event)
    }
  }

  function close(): void {
    progress?.stop()
    progress = undefined
  }

  return {
    onEvent,
    warn,
    say(text) {
      for (const log of logs) log.say(text)
      line(printable(text))
    },
    fail(error) {
      close()
      for (const log of logs) log.fail(error)
      if (!quiet) process.stderr.write(errorText(error, { color, debug, columns: columnsOf(process.stderr) }))
    },
    amiss({ message, hint, exitCode: code }) {
      warn({ message, ...(hint !== undefined && { hint }) })
      if (exitCode === 0) exitCode = code
    },
    get exitCode() {
      return exitCode
    },
    logTo(log, instead) {
      logs.push(log)
      quiet ||= instead
    },
    about(job) {
      for (const log of logs) log.about(job)
    },
    end(exitCode, error) {
      for (const log of logs) {
        if (error !== undefined) log.fail(error)
        log.end(exitCode)
      }
      return !quiet
    },
    warnings,
    close,
  }
}
