import { LifeboatError, toLifeboatError } from '../core/errors.ts'

export interface Interruption extends Disposable {
  readonly signal: AbortSignal
}

const NUMBERS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 143 } as const
type StopSignal = keyof typeof NUMBERS

/** Longer than any clean-up may take: a defect that also blocks it must not leave the process hanging. */
const DEFECT_EXIT_MS = 60_000

/**
 * The first signal aborts the run, which then clears away what is unfinished; the second one exits at once. A defect
 * that nobody caught ends the run in the same way, as an internal error.
 */
export function listenForInterruption(onStopping: () => void): Interruption {
  const controller = new AbortController()
  const onSignal = (name: StopSignal) => {
    if (controller.signal.aborted) process.exit(NUMBERS[name])
    controller.abort(stopped(name))
    onStopping()
  }
  const onDefect = (thrown: unknown) => {
    if (controller.signal.aborted) return
    controller.abort(toDefect(thrown))
    setTimeout(() => process.exit(1), DEFECT_EXIT_MS).unref()
  }
  const names = Object.keys(NUMBERS) as StopSignal[]
  for (const name of names) process.on(name, onSignal)
  process.on('uncaughtException', onDefect)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal)
      process.off('uncaughtException', onDefect)
    },
  }
}

function stopped(name: StopSignal): LifeboatError {
  const hint =
    'What was unfinished was cleared away, as far as no warning says otherwise; run the same command again when you are ready.'
  if (name === 'SIGINT') return new LifeboatError('interrupted', 'interrupted by Ctrl-C (SIGINT)', { hint })
  const why = name === 'SIGHUP' ? 'the terminal was closed (SIGHUP)' : 'SIGTERM was received'
  return new LifeboatError('terminated', `terminated: ${why}`, { hint })
}

/** A rejection that nobody awaited is a defect of ours, whatever it was rejected with. */
function toDefect(thrown: unknown): LifeboatError {
  const error = toLifeboatError(thrown)
  if (error.code === 'internal') return error
  return new LifeboatError('internal', `unexpected error: ${error.message}`, {
    hint: error.hint,
    cause: thrown,
  })
}
