import type { Bytes } from '../../../core/bytes.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { SqlColumn, SqlValue } from '../session.ts'
import { type ByteCursor, createByteCursor } from './byte-cursor.ts'
import { MAX_VALUE_BYTES, type RowShape, tooLarge } from './row-shape.ts'
import { type StoredForm, storedForm } from './stored-form.ts'
import { readUuid } from './uuid-bytes.ts'

interface Field {
  readonly column: SqlColumn
  readonly form: StoredForm
}

/** The rows of a file. Throws, naming table and row, where the bytes end inside a row or are no row of this shape. */
export async function* readRows(shape: RowShape, input: Bytes): AsyncGenerator<SqlValue[]> {
  const fields = shape.columns.map((column): Field => ({ column, form: storedForm(column) }))
  const cursor = createByteCursor(input)
  let row = 0
  try {
    while (!(await cursor.atEnd())) {
      row += 1
      const values: SqlValue[] = new Array(fields.length)
      for (let index = 0; index < fields.length; index += 1) {
        const field = fields[index] as Field
        const { prefix } = field.form
        const head = cursor.takeNow(prefix) ?? (await cursor.take(prefix))
        if (head === undefined) throw cut(shape, field, row)
        const bytes = readPrefix(head, prefix)
        if (bytes === -1) {
          values[index] = null
          continue
        }
        checkLength(shape, field, row, bytes, cursor)
        const body = cursor.takeNow(bytes) ?? (await cursor.take(bytes))
        if (body === undefined) throw cut(shape, field, row)
        values[index] = readValue(body, field.form)
      }
      yield values
    }
  } finally {
    await cursor.close()
  }
}

function readPrefix(head: Buffer, prefix: 1 | 2 | 8): number {
  if (prefix === 1) return head.readInt8(0)
  if (prefix === 2) return head.readInt16LE(0)
  return Number(head.readBigInt64LE(0))
}

function checkLength(shape: RowShape, field: Field, row: number, bytes: number, cursor: ByteCursor): void {
  const { form, column } = field
  const isOfForm =
    form.prefix === 1
      ? bytes === form.bytes
      : bytes >= 0 && (form.bytes === 0 || bytes <= form.bytes) && (form.kind !== 'text' || bytes % 2 === 0)
  if (!isOfForm) {
    throw damaged(
      shape,
      field,
      row,
      `a length of ${bytes} before byte ${cursor.offset()} can't be of a ${column.type}`,
    )
  }
  if (bytes > MAX_VALUE_BYTES) throw tooLarge(shape, column, row, bytes)
}

function readValue(body: Buffer, { kind }: StoredForm): SqlValue {
  switch (kind) {
    case 'text':
      return body.toString('utf16le')
    case 'binary':
      return body
    case 'uuid':
      return readUuid(body)
    case 'bit':
      return body[0] !== 0
    case 'bigint':
      return body.readBigInt64LE(0)
    case 'tinyint':
      return body[0] as number
    case 'smallint':
      return body.readInt16LE(0)
    case 'int':
      return body.readInt32LE(0)
    case 'float':
      return body.readDoubleLE(0)
    case 'real':
      return body.readFloatLE(0)
  }
}

function cut(shape: RowShape, field: Field, row: number): LifeboatError {
  return damaged(shape, field, row, 'the data ends inside it')
}

function damaged(shape: RowShape, field: Field, row: number, reason: string): LifeboatError {
  return new LifeboatError(
    'integrity',
    `unable to read column '${field.column.name}' in row ${row} of table '${shape.name}': ${reason}`,
    {
      hint: 'The data is not of this table, or is damaged: run lifeboat verify --deep, and restore an older backup.',
    },
  )
}
