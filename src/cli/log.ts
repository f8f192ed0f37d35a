import { hostname } from 'node:os'
import { pino } from 'pino'
import type { RunEvent } from '../app/run-event.ts'
import { version } from '../config/version.ts'
import type { LifeboatError } from '../core/errors.ts'
import { errorObject } from './print-error.ts'
import type { Warning } from './reporter.ts'

/** What happens in a run, a JSON object on a line for each event: docs/json.md describes the fields. */
export interface Log {
  event(event: RunEvent): void
  warn(warning: Warning): void
  say(line: string): void
  fail(error: LifeboatError): void
  end(exitCode: number): void
  /** What follows is about this job. */
  about(job: string): void
}

export interface LogRequest {
  readonly verb: string
  /** Takes whole lines, at once: the process may end right after one. Must not throw. */
  readonly write: (line: string) => void
  readonly nowMs: () => number
}

/** Bytes pass several times a second; a log is to be read by people too. */
const PROGRESS_MS = 60_000

export function createLog({ verb, write, nowMs }: LogRequest): Log {
  const begunMs = nowMs()
  let told = begunMs
  const root = pino(
    {
      base: { host: hostname(), pid: process.pid, lifeboat: version, verb },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  // A child of a child would have both jobs on each line.
  let log: pino.Logger = root
  log.info({ event: 'started' }, `lifeboat ${verb} has started`)

  function warn({ message, hint }: Warning): void {
    log.warn({ event: 'warning', hint }, message)
  }

  return {
    event(event) {
      switch (event.kind) {
        case 'probed': {
          const { flavour, serverVersion, estimateBytes } = event.probe
          log.info({ event: 'probed', flavour, serverVersion, estimateBytes }, 'the server was looked at')
          return
        }
        case 'warning':
          warn(event)
          return
        case 'step':
          log.info({ event: 'step' }, event.message)
          return
        case 'progress': {
          if (nowMs() - told < PROGRESS_MS) return
          told = nowMs()
          const { kind, ...facts } = event
          log.info({ event: kind, ...facts }, 'under way')
          return
        }
        default: {
          const { kind, ...facts } = event
          log.info({ event: kind, ...facts }, kind === 'part-started' ? 'a part begins' : 'a part is done')
        }
      }
    },
    warn,
    say: (line) => log.info({ event: 'result' }, line),
    fail: (error) => log.error({ event: 'error', ...errorObject(error) }),
    end: (exitCode) =>
      log[exitCode === 0 ? 'info' : 'error'](
        { event: 'ended', exitCode, durationMs: Math.round(nowMs() - begunMs) },
        `lifeboat ${verb} has ended with exit code ${exitCode}`,
      ),
    about(job) {
      log = root.child({ job })
    },
  }
}
