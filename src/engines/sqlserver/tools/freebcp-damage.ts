import type { ColumnModel } from '../catalog/model.ts'

export const FIELD_END = Buffer.from('\x1f\x1e')
export const ROW_END = Buffer.from('\x1e\x1f\n')

/** Measured with FreeTDS 1.3.17: what does not come back as it went, out at TDS 7.2 and in at 7.4. */
const UNFIT_TYPES: Readonly<Record<string, string>> = {
  datetimeoffset: 'FreeTDS can read no offset back',
  xml: 'FreeTDS loads no xml',
  sql_variant: 'the types of the values would be lost',
  hierarchyid: 'FreeTDS knows no such type',
  geography: 'FreeTDS knows no such type',
  geometry: 'FreeTDS knows no such type',
  json: 'FreeTDS knows no such type',
  vector: 'FreeTDS knows no such type',
}

/** In silence, 1752-01-01 comes back as 1900-01-01: FreeTDS reads dates by way of datetime, which begins in 1753. */
const FIRST_YEAR = 1753
/** The least double of full precision; what is smaller, FreeTDS takes for an overflow (Msg 20049). */
const LEAST_FLOAT = 2.2250738585072014e-308

/** Why freebcp must not carry a table with this column. */
export function unfitFor(column: ColumnModel): string | undefined {
  if (column.rowversion) return 'it is not known to leave out rowversion'
  if (column.columnSet || column.hidden) return 'SELECT * shows other columns than there are'
  return UNFIT_TYPES[column.type]
}

/** Why this value would not come back as it is: most damage hangs on the value, so each is looked at on its way out. */
export function damageTo(column: ColumnModel, field: Buffer): string | undefined {
  // NULL
  if (field.length === 0) return undefined
  switch (column.type) {
    case 'varchar':
    case 'nvarchar':
      return trimmed(field) ?? holdsZero(field)
    case 'text':
    case 'ntext':
      // The form of an empty text.
      if (isZero(field)) return 'an empty text comes back as NULL'
      return trimmed(field) ?? holdsZero(field)
    case 'char':
    case 'nchar':
      return holdsZero(field)
    case 'date':
    case 'datetime2':
      if (!/^\d{4}-\d\d-\d\d/.test(field.toString('latin1', 0, 10))) {
        return 'it is not a date as the server writes it'
      }
      return Number(field.toString('latin1', 0, 4)) < FIRST_YEAR
        ? `a year before ${FIRST_YEAR} comes back as another`
        : undefined
    case 'float': {
      const size = Math.abs(Number(field.toString('latin1')))
      return size !== 0 && size < LEAST_FLOAT ? 'FreeTDS refuses a number that small' : undefined
    }
    case 'time':
      return /^\d\d:\d\d:\d\d/.test(field.toString('latin1', 0, 8))
        ? undefined
        : 'it is not a time as the server writes it'
    default:
      return undefined
  }
}

function trimmed(field: Buffer): string | undefined {
  return field.at(-1) === 0x20 ? 'spaces at its end come back cut off' : undefined
}

function holdsZero(field: Buffer): string | undefined {
  return !isZero(field) && field.includes(0) ? 'it holds U+0000, which ends a text' : undefined
}

/** How an empty text is written, so that it differs from NULL. */
function isZero(field: Buffer): boolean {
  return field.length === 1 && field[0] === 0
}
