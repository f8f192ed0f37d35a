import { LifeboatError } from '../../../core/errors.ts'
import type { SqlColumn, SqlValue } from '../session.ts'
import { MAX_VALUE_BYTES, type RowShape, tooLarge } from './row-shape.ts'
import { type StoredForm, storedForm } from './stored-form.ts'
import { writeUuid } from './uuid-bytes.ts'

const PIECE_BYTES = 256 * 1024
/** Values from here on are pieces of their own: copying them into a piece would only cost. */
const LARGE_BYTES = 64 * 1024

/**
 * Rows as the bytes of a file, in pieces of about 256 KiB. `onEnd` gets the number of rows after the last one.
 * docs/engines/sqlserver-rows.md says what the bytes mean.
 */
export async function* writeRows(
  shape: RowShape,
  rows: AsyncIterable<readonly SqlValue[]>,
  onEnd: (rows: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const columns = shape.columns.map((column) => ({ column, form: storedForm(column) }))
  let piece = Buffer.allocUnsafe(PIECE_BYTES)
  let used = 0
  let row = 0
  for await (const values of rows) {
    row += 1
    if (values.length !== columns.length) {
      throw new Error(`row ${row} of ${shape.name} has ${values.length} values, not ${columns.length}`)
    }
    for (const [index, { column, form }] of columns.entries()) {
      const value = values[index] as SqlValue
      const bytes = sizeOf(value, form)
      if (bytes > MAX_VALUE_BYTES) throw tooLarge(shape, column, row, bytes)
      if (form.bytes > 0 && bytes > form.bytes) throw notOfType(shape, column, row)
      if (used + form.prefix + Math.min(bytes, LARGE_BYTES) > PIECE_BYTES) {
        yield piece.subarray(0, used)
        piece = Buffer.allocUnsafe(PIECE_BYTES)
        used = 0
      }
      used = writePrefix(piece, used, form.prefix, value === null ? -1 : bytes)
      if (value === null) continue
      if (bytes > LARGE_BYTES) {
        yield piece.subarray(0, used)
        piece = Buffer.allocUnsafe(PIECE_BYTES)
        used = 0
        yield typeof value === 'string' ? Buffer.from(value, 'utf16le') : (value as Uint8Array)
      } else {
        if (!writeValue(piece, used, value, form)) throw notOfType(shape, column, row)
        used += bytes
      }
    }
  }
  if (used > 0) yield piece.subarray(0, used)
  onEnd(row)
}

function sizeOf(value: SqlValue, form: StoredForm): number {
  if (value === null) return 0
  if (form.kind === 'text' && typeof value === 'string') return value.length * 2
  if (form.kind === 'binary' && value instanceof Uint8Array) return value.length
  return form.bytes
}

function writePrefix(piece: Buffer, at: number, prefix: 1 | 2 | 8, bytes: number): number {
  if (prefix === 1) return piece.writeInt8(bytes, at)
  if (prefix === 2) return piece.writeInt16LE(bytes, at)
  return piece.writeBigInt64LE(BigInt(bytes), at)
}

/** False if the value is not of the kind that the column declares. */
function writeValue(piece: Buffer, at: number, value: SqlValue, { kind }: StoredForm): boolean {
  switch (kind) {
    case 'text':
      if (typeof value !== 'string') return false
      piece.write(value, at, 'utf16le')
      return true
    case 'binary':
      if (!(value instanceof Uint8Array)) return false
      piece.set(value, at)
      return true
    case 'uuid':
      return typeof value === 'string' && writeUuid(piece, at, value)
    case 'bit':
      if (typeof value !== 'boolean') return false
      piece[at] = value ? 1 : 0
      return true
    case 'bigint':
      if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) return false
      piece.writeBigInt64LE(value, at)
      return true
    default:
      return typeof value === 'number' && writeNumber(piece, at, value, kind)
  }
}

function writeNumber(
  piece: Buffer,
  at: number,
  value: number,
  kind: 'tinyint' | 'smallint' | 'int' | 'float' | 'real',
): boolean {
  switch (kind) {
    case 'tinyint':
      piece[at] = value
      return piece[at] === value
    case 'smallint':
      if ((value << 16) >> 16 !== value) return false
      piece.writeInt16LE(value, at)
      return true
    case 'int':
      if ((value | 0) !== value) return false
      piece.writeInt32LE(value, at)
      return true
    case 'real':
      // A real that came out of the server is one here too; anything else would be rounded in silence.
      if (!Object.is(Math.fround(value), value)) return false
      piece.writeFloatLE(value, at)
      return true
    case 'float':
      piece.writeDoubleLE(value, at)
      return true
  }
}

function notOfType(shape: RowShape, column: SqlColumn, row: number): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to store column '${column.name}' in row ${row} of table '${shape.name}': the server sent what is no ${column.type}`,
    { hint: 'The definition of the table has changed during the dump: run it again.' },
  )
}
