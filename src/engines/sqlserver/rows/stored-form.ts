import { LifeboatError } from '../../../core/errors.ts'
import type { SqlColumn } from '../session.ts'

/**
 * How a value lies in a file of rows: a length prefix of 1, 2 or 8 bytes (all ones for NULL), then the bytes. Every form
 * is one that Microsoft's bcp reads by a format file.
 */
export type StoredForm =
  | { readonly kind: FixedKind; readonly prefix: 1; readonly hostType: string; readonly bytes: number }
  | {
      readonly kind: 'binary' | 'text'
      readonly prefix: 2 | 8
      readonly hostType: string
      /** The most bytes that a value may have; 0 where it has no bound. */
      readonly bytes: number
    }

export type FixedKind = 'tinyint' | 'smallint' | 'int' | 'bigint' | 'bit' | 'float' | 'real' | 'uuid'

const fixed = (kind: FixedKind, hostType: string, bytes: number): StoredForm => ({
  kind,
  prefix: 1,
  hostType,
  bytes,
})
const bounded = (kind: 'binary' | 'text', bytes: number): StoredForm => ({
  kind,
  prefix: 2,
  hostType: kind === 'text' ? 'SQLNCHAR' : 'SQLBINARY',
  bytes,
})
const unbounded = (kind: 'binary' | 'text', hostType?: string): StoredForm => ({
  kind,
  prefix: 8,
  hostType: hostType ?? (kind === 'text' ? 'SQLNCHAR' : 'SQLBINARY'),
  bytes: 0,
})

/** Text lengths are in bytes of UTF-16: the longest text of each type, '-0.' and 38 digits for a decimal(38, 38). */
const FORMS: ReadonlyMap<string, StoredForm> = new Map([
  ['tinyint', fixed('tinyint', 'SQLTINYINT', 1)],
  ['smallint', fixed('smallint', 'SQLSMALLINT', 2)],
  ['int', fixed('int', 'SQLINT', 4)],
  ['bigint', fixed('bigint', 'SQLBIGINT', 8)],
  ['bit', fixed('bit', 'SQLBIT', 1)],
  ['float', fixed('float', 'SQLFLT8', 8)],
  ['real', fixed('real', 'SQLFLT4', 4)],
  ['uniqueidentifier', fixed('uuid', 'SQLUNIQUEID', 16)],
  ['decimal', bounded('text', 82)],
  ['numeric', bounded('text', 82)],
  ['money', bounded('text', 44)],
  ['smallmoney', bounded('text', 44)],
  ['date', bounded('text', 20)],
  ['time', bounded('text', 32)],
  ['smalldatetime', bounded('text', 46)],
  ['datetime', bounded('text', 46)],
  ['datetime2', bounded('text', 54)],
  ['datetimeoffset', bounded('text', 68)],
  ['text', unbounded('text')],
  ['ntext', unbounded('text')],
  ['xml', unbounded('text')],
  ['json', unbounded('text')],
  ['sql_variant', unbounded('text')],
  ['image', unbounded('binary')],
  ['hierarchyid', unbounded('binary', 'SQLUDT')],
  ['geography', unbounded('binary', 'SQLUDT')],
  ['geometry', unbounded('binary', 'SQLUDT')],
])

const MAX_BOUNDED_BYTES = 8000

/** Undefined for a type whose values can't be stored exactly. */
export function findStoredForm(column: SqlColumn): StoredForm | undefined {
  const { type, maxLength = -1 } = column
  const isBounded = maxLength >= 0 && maxLength <= MAX_BOUNDED_BYTES
  switch (type) {
    // As UTF-16, where a character takes twice the bytes that it has in the column's code page.
    case 'char':
    case 'varchar':
      return isBounded ? bounded('text', maxLength * 2) : unbounded('text')
    case 'nchar':
    case 'nvarchar':
      return isBounded ? bounded('text', maxLength) : unbounded('text')
    case 'binary':
    case 'varbinary':
      return isBounded ? bounded('binary', maxLength) : unbounded('binary')
    default:
      return FORMS.get(type)
  }
}

export function storedForm(column: SqlColumn): StoredForm {
  const form = findStoredForm(column)
  if (form !== undefined) return form
  throw new LifeboatError(
    'unsupported',
    `unable to store column '${column.name}': lifeboat knows no exact form for the type '${column.type}'`,
    { hint: 'Dump this database with layout=native, or move the column to another table first.' },
  )
}
