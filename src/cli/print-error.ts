import { type LifeboatError, messageOf } from '../core/errors.ts'
import { defaultHint } from './default-hint.ts'
import { printable } from './printable.ts'
import type { Warning } from './reporter.ts'

/** For people: what happened, the tool's last lines, what to do now. */
export function errorText(error: LifeboatError, options: { color: boolean; debug: boolean }): string {
  const paint = (code: number, text: string) => (options.color ? `\x1b[${code}m${text}\x1b[0m` : text)
  const [message = '', ...lines] = printable(error.message).split('\n')
  const shown = [
    `${paint(31, 'error:')} ${message}`,
    ...lines.map((line) => `  | ${line}`),
    `${paint(36, 'hint:')} ${printable(error.hint ?? defaultHint(error.code))}`,
  ]
  if (options.debug) shown.push(...stacks(error))
  return `${shown.join('\n')}\n`
}

/** For machines (`--json`): docs/json.md describes each field. */
export function errorJson(error: LifeboatError, warnings: readonly Warning[]): string {
  return `${JSON.stringify({
    error: {
      code: error.code,
      exitCode: error.exitCode,
      message: error.message,
      hint: error.hint ?? defaultHint(error.code),
      details: error.details ?? {},
    },
    warnings,
  })}\n`
}

function stacks(thrown: unknown): string[] {
  const lines: string[] = []
  for (let at = thrown; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    lines.push(at instanceof Error ? (at.stack ?? messageOf(at)) : String(at))
  }
  return lines
}
