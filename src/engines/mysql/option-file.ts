import { LifeboatError } from '../../core/errors.ts'

/** my_load_defaults() of both vendors reads lines of at most 4 KiB and would cut a longer one without a word. */
const LINE_BYTES = 4000

/** A line of an option file. Undefined gives the option without a value. */
export type OptionLine = readonly [name: string, value: string | undefined]

/** A [client] option file: the only way by which a secret reaches the vendors' tools. */
export function formatOptionFile(lines: readonly OptionLine[]): string {
  return `[client]\n${lines.map(([name, value]) => (value === undefined ? name : `${name}=${quoteOption(name, value)}`)).join('\n')}\n`
}

/**
 * Double quotes keep `#`, spaces and the like; inside of them both vendors undo \\, \", \n, \r, \t and \b.
 * https://dev.mysql.com/doc/refman/8.4/en/option-files.html
 */
function quoteOption(name: string, value: string): string {
  if (value.includes('\0')) throw tooOdd(name, 'it holds a NUL byte')
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  if (Buffer.byteLength(escaped) > LINE_BYTES) throw tooOdd(name, `it is longer than ${LINE_BYTES} bytes`)
  return `"${escaped}"`
}

function tooOdd(name: string, reason: string): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to give the option '${name}' to the database tools: ${reason}`,
    {
      hint: 'Give the account another password, or use another account for this run.',
    },
  )
}
