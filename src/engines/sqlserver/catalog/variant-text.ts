import type { SqlRow } from '../session.ts'
import { quoteText } from './quote.ts'
import { maybeNumber, maybeText } from './row.ts'
import { typeText } from './type-text.ts'

/** What a row holds of a sql_variant (query.ts, `variant`) as an expression of the same type; undefined is NULL. */
export function variantText(row: SqlRow, column: string): string | undefined {
  const value = maybeText(row, `${column}_text`)
  const type = maybeText(row, `${column}_type`)
  if (value === undefined) return undefined
  switch (type) {
    case undefined:
    case 'nvarchar':
      return quoteText(value)
    case 'int':
      return value
    default: {
      const declared = typeText({ type, ...declaredSize(row, column) })
      // Binary was written as 0x…, which is a literal already; dates need style 121 to be read under every DATEFORMAT.
      if (type === 'binary' || type === 'varbinary') return `CAST(${value} AS ${declared})`
      if (/date|time/.test(type)) return `CONVERT(${declared}, ${quoteText(value)}, 121)`
      return `CAST(${quoteText(value)} AS ${declared})`
    }
  }
}

function declaredSize(row: SqlRow, column: string) {
  const maxLength = maybeNumber(row, `${column}_maxlength`)
  const precision = maybeNumber(row, `${column}_precision`)
  const scale = maybeNumber(row, `${column}_scale`)
  return {
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  }
}
