import { type LifeboatError, messageOf } from '../core/errors.ts'
import { defaultHint } from './default-hint.ts'
import { printable } from './printable.ts'
import type { Warning } from './reporter.ts'
import { wrap } from './wrap.ts'

export interface ErrorTextOptions {
  readonly color: boolean
  readonly debug: boolean
  /** Of the terminal; undefined where there is none. */
  readonly columns: number | undefined
}

/** For people: what happened, the tool's last lines, what to do now. */
export function errorText(error: LifeboatError, options: ErrorTextOptions): string {
  const said = (label: string, color: number, text: string) => {
    const wrapped = wrap(`${label} ${text}`, options.columns, '  ')
    return options.color ? `\x1b[${color}m${label}\x1b[0m${wrapped.slice(label.length)}` : wrapped
  }
  const [message = '', ...lines] = printable(error.message).split('\n')
  const shown = [
    said('error:', 31, message),
    ...lines.map((line) => wrap(`  | ${line}`, options.columns, '| ')),
    said('hint:', 36, printable(error.hint ?? defaultHint(error.code))),
  ]
  if (options.debug) shown.push(...stacks(error))
  return `${shown.join('\n')}\n`
}

/** For machines (`--json`): docs/json.md describes each field. */
export function errorJson(error: LifeboatError, warnings: readonly Warning[]): string {
  return `${JSON.stringify({ error: errorObject(error), warnings })}\n`
}

export function errorObject(error: LifeboatError): object {
  return {
    code: error.code,
    exitCode: error.exitCode,
    message: error.message,
    hint: error.hint ?? defaultHint(error.code),
    details: error.details ?? {},
  }
}

function stacks(thrown: unknown): string[] {
  const lines: string[] = []
  for (let at = thrown; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    lines.push(at instanceof Error ? (at.stack ?? messageOf(at)) : String(at))
  }
  return lines
}
