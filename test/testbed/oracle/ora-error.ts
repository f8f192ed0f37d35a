/** As the driver throws it: the server's text, its number in front. */
export class OraError extends Error {
  readonly errorNum: number
  constructor(errorNum: number, text: string) {
    super(`ORA-${String(errorNum).padStart(5, '0')}: ${text}`)
    this.errorNum = errorNum
  }
}

/** What the driver says by itself. */
export class NjsError extends Error {
  readonly code: string
  constructor(number: string, text: string) {
    super(`NJS-${number}: ${text}`)
    this.code = `NJS-${number}`
  }
}

export const lost = () => new NjsError('500', 'connection to the Oracle Database was broken')
