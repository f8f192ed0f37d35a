/** An error as the server words it. `endsBatch`: the rest of the batch is not run, as for errors found on compiling. */
export class SqlError extends Error {
  readonly number: number
  readonly severity: number
  readonly endsBatch: boolean
  line: number | undefined
  procedure: string | undefined
  constructor(number: number, message: string, options: { severity?: number; endsBatch?: boolean } = {}) {
    super(message)
    this.number = number
    this.severity = options.severity ?? SEVERITY[number] ?? 16
    this.endsBatch = options.endsBatch ?? ENDS_BATCH.has(number)
  }
}

const SEVERITY: Readonly<Record<number, number>> = {
  102: 15,
  105: 15,
  111: 15,
  137: 15,
  156: 15,
  170: 15,
  195: 15,
  229: 14,
  230: 14,
  262: 14,
  297: 16,
  319: 15,
  911: 16,
  916: 14,
  2601: 14,
  2627: 14,
  4060: 11,
  3701: 11,
  15151: 16,
  15247: 16,
  18456: 14,
  1222: 16,
}

const ENDS_BATCH = new Set([
  102, 105, 111, 137, 156, 195, 207, 208, 209, 213, 241, 245, 4104, 4121, 8114, 8115, 8120, 8155, 911, 3952,
  3960, 1222, 2812, 40515, 50999, 10738, 4145, 206, 529, 257,
])

/** What this stand-in does not play. Loud, so that no test passes for want of it. */
export function notPlayed(what: string): SqlError {
  return new SqlError(50999, `The test server does not play ${what}.`)
}

export const syntaxError = (near: string) => new SqlError(102, `Incorrect syntax near '${near}'.`)
export const missingObject = (name: string) => new SqlError(208, `Invalid object name '${name}'.`)
export const missingColumn = (name: string) => new SqlError(207, `Invalid column name '${name}'.`)
