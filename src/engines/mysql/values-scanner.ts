/** Where a scan of the values of an INSERT stopped. */
export interface ValuesScan {
  /** Just behind the last byte that was read. */
  readonly at: number
  readonly rows: number
  /** What ended the values: the statement's semicolon, or a line break between rows. */
  readonly ended: 'statement' | 'line' | undefined
}

/** Keeps its place inside of a string from one call to the next. */
export interface ValuesScanner {
  /** Values begin. */
  reset(): void
  read(bytes: Buffer, start: number): ValuesScan
}

const QUOTE = 0x27
const CLOSE = 0x29
const SEMICOLON = 0x3b
const BACKSLASH = 0x5c
const NEWLINE = 0x0a

// States, as offsets into the table; flags lie above them.
const OUTSIDE = 0x000
const STRING = 0x100
const ESCAPED = 0x200
const STATE = 0x300
const ROW = 1 << 10
const TURN = 1 << 23
const END = 1 << 29
/** Rows and turns are summed in one number, thirteen bits for the rows. */
const BLOCK_BYTES = 4096
const ROWS_MASK = 0x1fff
const TURNS_SHIFT = 13

/** The next state for each byte in each state. */
const TABLE = new Int32Array(3 * 256)
TABLE.fill(STRING, STRING, ESCAPED + 256)
TABLE[OUTSIDE + QUOTE] = STRING | TURN
TABLE[OUTSIDE + CLOSE] = OUTSIDE | ROW
TABLE[OUTSIDE + SEMICOLON] = OUTSIDE | END
TABLE[OUTSIDE + NEWLINE] = OUTSIDE | END
TABLE[STRING + QUOTE] = OUTSIDE
TABLE[STRING + BACKSLASH] = ESCAPED

/** Strings longer than this on average are worth a call of indexOf each. */
const LONG_BYTES = 100
/** While leaping, what lies outside of strings is read in slow steps: where that is more than a part in so many, no more. */
const SLOW_STEPS = 4

/**
 * Short values go through the table, at the same speed whatever they are: no branch depends on a byte. Where a block of
 * them had long strings, the next ones are leapt over by indexOf, ten times as fast, until they get short again.
 */
export function createValuesScanner(): ValuesScanner {
  let state = OUTSIDE
  let leaping = false
  let rows = 0

  function step(bytes: Buffer, from: number): number {
    const table = TABLE
    const stop = Math.min(bytes.length, from + BLOCK_BYTES)
    let at = from
    let now = state
    let sum = 0
    while (at < stop) {
      now = table[(now & STATE) | (bytes[at++] as number)] as number
      sum += now >> 10
      if (now >= END) break
    }
    if (now >= END) sum -= END >> 10
    rows += sum & ROWS_MASK
    state = now & (STATE | END)
    leaping = state === STRING && (sum >> TURNS_SHIFT) * LONG_BYTES < at - from
    return at
  }

  /** The end of the string, or of the bytes. */
  function leap(bytes: Buffer, from: number): number {
    const quote = bytes.indexOf(QUOTE, from)
    const end = quote === -1 ? bytes.length : quote
    let slashes = 0
    while (end - 1 - slashes >= from && bytes[end - 1 - slashes] === BACKSLASH) slashes += 1
    if (slashes % 2 === 1) {
      if (quote === -1) state = ESCAPED
      return Math.min(end + 1, bytes.length)
    }
    if (quote !== -1) state = OUTSIDE
    return Math.min(end + 1, bytes.length)
  }

  function leapOver(bytes: Buffer, from: number): number {
    const stop = Math.min(bytes.length, from + BLOCK_BYTES)
    let at = from
    let steps = 0
    while (at < stop) {
      if (state === STRING) {
        at = leap(bytes, at)
        continue
      }
      steps += 1
      const now = TABLE[state | (bytes[at++] as number)] as number
      if ((now & ROW) !== 0) rows += 1
      state = now & (STATE | END)
      if (now >= END) break
    }
    leaping = steps * SLOW_STEPS < at - from
    return at
  }

  return {
    reset() {
      state = OUTSIDE
    },
    read(bytes, start) {
      let at = start
      rows = 0
      while (at < bytes.length && state < END) at = leaping ? leapOver(bytes, at) : step(bytes, at)
      if (state < END) return { at, rows, ended: undefined }
      state = OUTSIDE
      return { at, rows, ended: bytes[at - 1] === SEMICOLON ? 'statement' : 'line' }
    },
  }
}
