import type { SinkContext } from '../app/registry.ts'
import { type Environment, readEnvironment } from '../config/environment.ts'
import type { LoadedConfig } from '../config/load.ts'
import { createSecretSource } from '../config/secret-reference.ts'
import { LifeboatError, toLifeboatError } from '../core/errors.ts'
import type { SecretSource } from '../core/secret.ts'
import type { PlannedSink } from './dump-plan.ts'
import { listenForInterruption } from './interruption.ts'
import { errorJson, errorText } from './print-error.ts'
import { askHidden } from './prompt.ts'
import { createReporter, type Reporter, type Warning } from './reporter.ts'
import { columnsOf, wrap } from './wrap.ts'
import { writeResult } from './write-result.ts'

/** What a verb gets from the command line's side. */
export interface VerbContext {
  readonly environment: Environment
  readonly reporter: Reporter
  readonly signal: AbortSignal
  /** Undefined for an option that was not given. */
  secret(
    option: string,
    reference: string | undefined,
    what: string,
    confirm?: boolean,
  ): SecretSource | undefined
  sinkContext(options: SinkSecrets): SinkContext
  plannedSinkContext(sink: Pick<PlannedSink, 'password' | 'passphrase'>): SinkContext
}

export interface SinkSecrets {
  readonly sinkPassword?: string
  readonly sinkPassphrase?: string
}

/** What a verb leaves for stdout, and the exit code where it is not 0. */
export interface Outcome {
  /** For people; may be empty. */
  readonly text: string
  /** For `--json`: docs/json.md describes it. */
  readonly json: (warnings: readonly Warning[]) => object
  readonly exitCode?: number
}

export interface VerbOptions {
  readonly json?: boolean
  readonly logFormat?: 'text' | 'json'
  readonly logFile?: string
}

/** By flags, or by what the configuration says of its jobs, once that is read. */
export async function startLog(
  { logFormat, logFile }: VerbOptions,
  { reporter }: Pick<VerbContext, 'reporter'>,
): Promise<void> {
  if (logFile === undefined && logFormat !== 'json') return
  const { openLog } = await import('./open-log.ts')
  const onWarning = (warning: Warning) => reporter.warn(warning)
  const log = openLog({ verb: process.argv[2] ?? '', file: logFile, onWarning })
  if (log !== undefined) reporter.logTo(log, logFile === undefined)
}

/** What of it holds for a job: a flag wins over the file. */
export function jobLog(options: VerbOptions, log: LoadedConfig['config']['log'] = {}): VerbOptions {
  if (options.logFormat !== undefined || options.logFile !== undefined) return {}
  return {
    ...(log.format !== undefined && { logFormat: log.format }),
    ...(log.file !== undefined && { logFile: log.file }),
  }
}

/** Runs a verb and resolves with the exit code, with everything printed and given back. */
export async function runVerb(
  options: VerbOptions,
  work: (context: VerbContext) => Promise<Outcome>,
): Promise<number> {
  const { json = false } = options
  const environment = readEnvironment()
  const terminal = process.stderr.isTTY === true
  const color = terminal && environment.color
  const reporter = createReporter({ json, terminal, color, debug: environment.debug })
  using interruption = listenForInterruption(() => {
    reporter.close()
    if (terminal && !json)
      process.stderr.write('stopping: clearing away what is unfinished (again: at once)\n')
  })
  const { signal } = interruption
  try {
    const context = createContext(environment, reporter, signal)
    await startLog(options, context)
    const outcome = await work(context)
    reporter.close()
    await writeResult(
      json
        ? `${JSON.stringify(outcome.json(reporter.warnings))}\n`
        : wrap(outcome.text, columnsOf(process.stdout), '  '),
    )
    const exitCode = outcome.exitCode || reporter.exitCode
    reporter.end(exitCode)
    return exitCode
  } catch (thrown) {
    reporter.close()
    const error = causeOf(thrown, signal)
    const shown = reporter.end(error.exitCode, error)
    if (json) process.stderr.write(errorJson(error, reporter.warnings))
    else if (shown) {
      const columns = columnsOf(process.stderr)
      process.stderr.write(errorText(error, { color, debug: environment.debug, columns }))
    }
    return error.exitCode
  }
}

function createContext(environment: Environment, reporter: Reporter, signal: AbortSignal): VerbContext {
  const ports = {
    environment,
    ask: (question: string, confirm: boolean) => askHidden(question, confirm, signal),
    onWarning: (message: string, hint: string) => reporter.warn({ message, hint }),
  }
  const secret: VerbContext['secret'] = (option, reference, what, confirm = false) =>
    reference === undefined ? undefined : createSecretSource(reference, { option, what, confirm }, ports)
  const plannedSinkContext: VerbContext['plannedSinkContext'] = ({ password, passphrase }) => ({
    home: environment.home,
    stateFolder: environment.stateFolder,
    agentSocket: environment.agentSocket,
    password: secret(password.option, password.reference, 'password of the sink'),
    passphrase: secret(passphrase.option, passphrase.reference, 'passphrase of the SSH key'),
  })
  return {
    environment,
    reporter,
    signal,
    secret,
    plannedSinkContext,
    sinkContext: ({ sinkPassword, sinkPassphrase }) =>
      plannedSinkContext({
        password: { option: '--sink-password', reference: sinkPassword },
        passphrase: { option: '--sink-passphrase', reference: sinkPassphrase },
      }),
  }
}

/** After a signal the news is the signal, whatever broke in its wake; a restore's error keeps what it knows. */
function causeOf(thrown: unknown, signal: AbortSignal): LifeboatError {
  const error = toLifeboatError(thrown)
  if (!signal.aborted) return error
  const reason = toLifeboatError(signal.reason)
  if (error.code === reason.code) return error
  return new LifeboatError(reason.code, reason.message, {
    hint: reason.hint,
    cause: thrown,
    details: error.details,
  })
}
