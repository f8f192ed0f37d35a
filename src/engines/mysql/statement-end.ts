export interface StatementSyntax {
  readonly delimiter: string
  readonly backslashEscapes: boolean
}

/**
 * Where the statement that starts at `start` ends, delimiter included: the rules of the vendors' command-line client,
 * which knows strings, quoted names and comments, and reads the inside of `/*! … *\/` as code. Undefined where the
 * bytes end first.
 */
export function findStatementEnd(bytes: Buffer, start: number, syntax: StatementSyntax): number | undefined {
  const delimiter = Buffer.from(syntax.delimiter, 'latin1')
  const first = delimiter[0]
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at] as number
    if (byte === first && bytes.subarray(at, at + delimiter.length).equals(delimiter))
      return at + delimiter.length
    switch (byte) {
      case 0x27: // '
      case 0x22: // "
      case 0x60: {
        // `
        const end = findClosing(bytes, at + 1, byte, syntax.backslashEscapes && byte !== 0x60)
        if (end === undefined) return undefined
        at = end
        break
      }
      case 0x23: {
        // #
        const newline = bytes.indexOf(0x0a, at)
        if (newline === -1) return undefined
        at = newline + 1
        break
      }
      case 0x2d: {
        // -- needs white space behind it to be a comment
        if (bytes[at + 1] === 0x2d && (bytes[at + 2] ?? 0x21) <= 0x20) {
          const newline = bytes.indexOf(0x0a, at)
          if (newline === -1) return undefined
          at = newline + 1
        } else at += 1
        break
      }
      case 0x2f: {
        // /* but neither /*! nor /*M!
        if (
          bytes[at + 1] === 0x2a &&
          bytes[at + 2] !== 0x21 &&
          bytes.toString('latin1', at + 2, at + 4) !== 'M!'
        ) {
          const close = bytes.indexOf('*/', at + 2)
          if (close === -1) return undefined
          at = close + 2
        } else at += 1
        break
      }
      default:
        at += 1
    }
  }
  return undefined
}

function findClosing(bytes: Buffer, start: number, quote: number, escapes: boolean): number | undefined {
  let at = start
  while (at < bytes.length) {
    const byte = bytes[at] as number
    if (byte === quote) return at + 1
    at += escapes && byte === 0x5c ? 2 : 1
  }
  return undefined
}
