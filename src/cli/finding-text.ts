import type { Finding } from '../core/finding.ts'
import { defaultHint } from './default-hint.ts'
import { printable } from './printable.ts'
import { wrap } from './wrap.ts'

const MARGIN = ' '.repeat('warning  '.length)
const PAINT = { ok: 32, warning: 33, failure: 31 } as const

/** One finding as `doctor` and `config check` print it. */
export function findingText(finding: Finding, color: boolean, columns: number | undefined): string {
  const { level, topic, message } = finding
  const label = color ? `\x1b[${PAINT[level]}m${level.padEnd(7)}\x1b[0m` : level.padEnd(7)
  const [first = '', ...more] = printable(message).split('\n')
  const hint = hintOf(finding)
  const lines = [
    `${printable(topic)}: ${first}`,
    ...more.map((line) => `| ${line}`),
    ...(hint === undefined ? [] : [`hint: ${printable(hint)}`]),
  ]
  const room = columns === undefined ? undefined : columns - MARGIN.length
  const shown = lines.map((line) => wrap(line, room, '  ')).join('\n')
  return `${label}  ${shown.replaceAll('\n', `\n${MARGIN}`)}\n`
}

/** Whatever is not ok says what to do. */
function hintOf({ level, hint, code }: Finding): string | undefined {
  return hint ?? (level === 'failure' ? defaultHint(code ?? 'unsupported') : undefined)
}

/** docs/json.md describes each field. */
export function findingJson(finding: Finding): object {
  const { level, topic, message, code } = finding
  return {
    level,
    topic,
    message,
    hint: hintOf(finding) ?? null,
    code: level === 'failure' ? (code ?? 'unsupported') : null,
  }
}
