import fc from 'fast-check'
import type { ColumnModel, TableModel } from '../../../../../src/engines/sqlserver/catalog/model.ts'
import type { SqlValue } from '../../../../../src/engines/sqlserver/session.ts'

export function column(name: string, type: string, more: Partial<ColumnModel> = {}): ColumnModel {
  return {
    name,
    type,
    nullable: true,
    columnId: 1,
    rowversion: false,
    sparse: false,
    columnSet: false,
    rowguid: false,
    hidden: false,
    ...more,
  }
}

export function table(columns: readonly ColumnModel[], more: Partial<TableModel> = {}): TableModel {
  return {
    schema: 'dbo',
    name: 'zoo',
    objectId: 1,
    columns,
    indexes: [],
    checks: [],
    foreignKeys: [],
    isHistory: false,
    ...more,
  }
}

export async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item
}

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`))
/** Lone surrogates, U+0000 and U+FFFF too: nvarchar keeps any 16 bits. */
const units = (most: number) =>
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: most })
    .map((codes) => String.fromCharCode(...codes))
const bytes = (most: number) => fc.uint8Array({ maxLength: most })

/** Each type with values as the driver gives them. */
export const KINDS: readonly { readonly column: ColumnModel; readonly values: fc.Arbitrary<SqlValue> }[] = [
  { column: column('a', 'tinyint'), values: fc.integer({ min: 0, max: 255 }) },
  { column: column('b', 'smallint'), values: fc.integer({ min: -32768, max: 32767 }) },
  { column: column('c', 'int'), values: fc.integer() },
  { column: column('d', 'bigint'), values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { column: column('e', 'bit'), values: fc.boolean() },
  { column: column('f', 'float'), values: fc.double({ noNaN: true }) },
  { column: column('g', 'real'), values: fc.float({ noNaN: true }) },
  { column: column('h', 'uniqueidentifier'), values: fc.uuid().map((text) => text.toUpperCase()) },
  { column: column('i', 'decimal', { precision: 38, scale: 38 }), values: digits(38).map((d) => `-0.${d}`) },
  { column: column('j', 'numeric', { precision: 38, scale: 0 }), values: digits(38) },
  { column: column('k', 'money'), values: fc.constantFrom('-922337203685477.5808', '0.0001') },
  { column: column('l', 'smallmoney'), values: fc.constantFrom('-214748.3648', '214748.3647') },
  { column: column('m', 'date'), values: fc.constantFrom('0001-01-01', '9999-12-31') },
  {
    column: column('n', 'time', { scale: 7 }),
    values: fc.constantFrom('00:00:00.0000000', '23:59:59.9999999'),
  },
  { column: column('o', 'smalldatetime'), values: fc.constant('2079-06-06 23:59:00') },
  { column: column('p', 'datetime'), values: fc.constant('1753-01-01 00:00:00.003') },
  { column: column('q', 'datetime2', { scale: 7 }), values: fc.constant('9999-12-31 23:59:59.9999999') },
  {
    column: column('r', 'datetimeoffset', { scale: 7 }),
    values: fc.constant('0001-01-01 00:00:00.0000001 -14:00'),
  },
  { column: column('s', 'char', { maxLength: 20 }), values: units(20) },
  { column: column('t', 'varchar', { maxLength: 8000 }), values: units(30) },
  { column: column('u', 'nchar', { maxLength: 20 }), values: units(10) },
  { column: column('v', 'nvarchar', { maxLength: 80 }), values: units(40) },
  { column: column('w', 'nvarchar', { maxLength: -1 }), values: units(300) },
  { column: column('x', 'varchar', { maxLength: -1 }), values: units(300) },
  { column: column('y', 'binary', { maxLength: 16 }), values: bytes(16) },
  { column: column('z', 'varbinary', { maxLength: 8000 }), values: bytes(300) },
  { column: column('aa', 'varbinary', { maxLength: -1 }), values: bytes(300) },
  { column: column('ab', 'text'), values: units(30) },
  { column: column('ac', 'ntext'), values: units(30) },
  { column: column('ad', 'image'), values: bytes(30) },
  { column: column('ae', 'xml'), values: fc.constant('<a>\u{1f6a2}</a>') },
  { column: column('af', 'hierarchyid'), values: bytes(10) },
  { column: column('ag', 'geography'), values: bytes(30) },
  { column: column('ah', 'geometry'), values: bytes(30) },
  { column: column('ai', 'sql_variant'), values: fc.constant('decimal,10,2,9,:12.34') },
]

/** Some of the columns, in any order, and rows of them with a NULL here and there. */
export const samples = fc.shuffledSubarray([...KINDS], { minLength: 1, maxLength: 12 }).chain((kinds) =>
  fc
    .array(fc.tuple(...kinds.map(({ values }) => fc.option(values, { freq: 5, nil: null }))), {
      maxLength: 8,
    })
    .map((rows) => ({ columns: kinds.map((kind) => kind.column), rows: rows as SqlValue[][] })),
)
