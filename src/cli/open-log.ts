import { openSync, writeSync } from 'node:fs'
import { messageOf } from '../core/errors.ts'
import { createLog, type Log } from './log.ts'
import type { Warning } from './reporter.ts'

export interface OpenLogRequest {
  readonly verb: string
  /** Undefined: stderr. */
  readonly file: string | undefined
  readonly onWarning: (warning: Warning) => void
}

/** A log that can't be written is a warning, told once: what is logged goes on. Undefined where it can't be opened. */
export function openLog({ verb, file, onWarning }: OpenLogRequest): Log | undefined {
  const refuse = (thrown: unknown) =>
    onWarning({
      message: `unable to write log '${file}': ${messageOf(thrown)}`,
      hint: 'Make its folder, writable for the account that runs lifeboat; the run itself goes on.',
    })
  if (file === undefined) {
    const write = (line: string) => void process.stderr.write(line)
    return createLog({ verb, write, nowMs: () => performance.now() })
  }
  let fd: number | undefined
  try {
    // It may name databases and tables, as what stands on stderr.
    fd = openSync(file, 'a', 0o600)
  } catch (thrown) {
    refuse(thrown)
    return undefined
  }
  const write = (line: string) => {
    if (fd === undefined) return
    const to = fd
    try {
      writeSync(to, line)
    } catch (thrown) {
      fd = undefined
      refuse(thrown)
    }
  }
  return createLog({ verb, write, nowMs: () => performance.now() })
}
