import type { TdsType } from '../backend.ts'
import { SqlError } from './sql-error.ts'

interface BaseType {
  readonly id: number
  readonly bytes: number
  readonly precision: number
  readonly scale: number
  readonly systemId?: number
}

/** sys.types of a real server: id, max_length, precision and scale of each base type. */
export const BASE_TYPES: Readonly<Record<string, BaseType>> = {
  image: { id: 34, bytes: 16, precision: 0, scale: 0 },
  text: { id: 35, bytes: 16, precision: 0, scale: 0 },
  uniqueidentifier: { id: 36, bytes: 16, precision: 0, scale: 0 },
  date: { id: 40, bytes: 3, precision: 10, scale: 0 },
  time: { id: 41, bytes: 5, precision: 16, scale: 7 },
  datetime2: { id: 42, bytes: 8, precision: 27, scale: 7 },
  datetimeoffset: { id: 43, bytes: 10, precision: 34, scale: 7 },
  tinyint: { id: 48, bytes: 1, precision: 3, scale: 0 },
  smallint: { id: 52, bytes: 2, precision: 5, scale: 0 },
  int: { id: 56, bytes: 4, precision: 10, scale: 0 },
  smalldatetime: { id: 58, bytes: 4, precision: 16, scale: 0 },
  real: { id: 59, bytes: 4, precision: 24, scale: 0 },
  money: { id: 60, bytes: 8, precision: 19, scale: 4 },
  datetime: { id: 61, bytes: 8, precision: 23, scale: 3 },
  float: { id: 62, bytes: 8, precision: 53, scale: 0 },
  sql_variant: { id: 98, bytes: 8016, precision: 0, scale: 0 },
  ntext: { id: 99, bytes: 16, precision: 0, scale: 0 },
  bit: { id: 104, bytes: 1, precision: 1, scale: 0 },
  decimal: { id: 106, bytes: 17, precision: 38, scale: 38 },
  numeric: { id: 108, bytes: 17, precision: 38, scale: 38 },
  smallmoney: { id: 122, bytes: 4, precision: 10, scale: 4 },
  bigint: { id: 127, bytes: 8, precision: 19, scale: 0 },
  hierarchyid: { id: 128, bytes: 892, precision: 0, scale: 0, systemId: 240 },
  geometry: { id: 129, bytes: -1, precision: 0, scale: 0, systemId: 240 },
  geography: { id: 130, bytes: -1, precision: 0, scale: 0, systemId: 240 },
  varbinary: { id: 165, bytes: 8000, precision: 0, scale: 0 },
  varchar: { id: 167, bytes: 8000, precision: 0, scale: 0 },
  binary: { id: 173, bytes: 8000, precision: 0, scale: 0 },
  char: { id: 175, bytes: 8000, precision: 0, scale: 0 },
  timestamp: { id: 189, bytes: 8, precision: 0, scale: 0 },
  nvarchar: { id: 231, bytes: 8000, precision: 0, scale: 0 },
  nchar: { id: 239, bytes: 8000, precision: 0, scale: 0 },
  xml: { id: 241, bytes: -1, precision: 0, scale: 0 },
  sysname: { id: 256, bytes: 256, precision: 0, scale: 0, systemId: 231 },
}

const SYNONYMS: Readonly<Record<string, string>> = {
  integer: 'int',
  dec: 'decimal',
  rowversion: 'timestamp',
  character: 'char',
  'national character': 'nchar',
}

export function baseTypeName(name: string): string | undefined {
  const lower = name.toLowerCase()
  const real = SYNONYMS[lower] ?? lower
  return Object.hasOwn(BASE_TYPES, real) ? real : undefined
}

export const INT: TdsType = { name: 'int', length: 4, precision: 10, scale: 0 }
export const BIGINT: TdsType = { name: 'bigint', length: 8, precision: 19, scale: 0 }
export const BIT: TdsType = { name: 'bit', length: 1, precision: 1, scale: 0 }
export const FLOAT: TdsType = { name: 'float', length: 8, precision: 53, scale: 0 }
export const SYSNAME: TdsType = { name: 'nvarchar', length: 256 }
export const NVARCHAR_MAX: TdsType = { name: 'nvarchar', length: -1 }
export const DATETIME: TdsType = { name: 'datetime', length: 8, precision: 23, scale: 3 }
export const MONEY: TdsType = { name: 'money', length: 8, precision: 19, scale: 4 }
export const nvarchar = (chars: number): TdsType => ({ name: 'nvarchar', length: chars < 0 ? -1 : chars * 2 })
export const varchar = (chars: number): TdsType => ({ name: 'varchar', length: chars })
export const varbinary = (bytes: number): TdsType => ({ name: 'varbinary', length: bytes })
export const decimal = (precision: number, scale: number): TdsType => ({
  name: 'decimal',
  length: precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17,
  precision,
  scale,
})

/** `(…)` after a type's name, as written: numbers, or 'max'. `inCast`: char types default to 30 there, else to 1. */
export function makeType(name: string, args: readonly (number | 'max')[], inCast = false): TdsType {
  const base = baseTypeName(name)
  if (base === undefined) throw new SqlError(243, `Type ${name} is not a defined system type.`)
  const facts = BASE_TYPES[base] as BaseType
  const [first, second] = args
  switch (base) {
    case 'sysname':
      return SYSNAME
    case 'decimal':
    case 'numeric': {
      const precision = first === undefined ? 18 : Number(first)
      const scale = second === undefined ? 0 : Number(second)
      if (!(precision >= 1 && precision <= 38))
        throw new SqlError(
          2750,
          `Column or parameter #1: Specified column precision ${precision} is greater than the maximum precision of 38.`,
        )
      if (scale > precision)
        throw new SqlError(
          2751,
          `Column or parameter #1: Specified column scale ${scale} is greater than the specified precision of ${precision}.`,
        )
      return { ...decimal(precision, scale), name: base }
    }
    case 'float':
      return first !== undefined && Number(first) <= 24
        ? { name: 'real', length: 4, precision: 24, scale: 0 }
        : FLOAT
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
    case 'nchar':
    case 'nvarchar': {
      if (first === 'max') {
        if (!base.includes('var')) throw new SqlError(102, "Incorrect syntax near 'max'.")
        return { name: base, length: -1 }
      }
      const units = first ?? (inCast ? 30 : 1)
      const limit = base.startsWith('n') ? 4000 : 8000
      if (units < 1 || units > limit)
        throw new SqlError(
          131,
          `The size (${units}) given to the type '${base}' exceeds the maximum allowed for any data type (8000).`,
        )
      return { name: base, length: base.startsWith('n') ? units * 2 : units }
    }
    case 'time':
    case 'datetime2':
    case 'datetimeoffset': {
      const scale = first === undefined ? 7 : Number(first)
      if (!(scale >= 0 && scale <= 7))
        throw new SqlError(1002, `Line 1: Specified scale ${scale} is invalid.`)
      const extra = scale <= 2 ? 0 : scale <= 4 ? 1 : 2
      const bytes = { time: 3, datetime2: 6, datetimeoffset: 8 }[base] + extra
      const digits = { time: 8, datetime2: 19, datetimeoffset: 26 }[base] + (scale > 0 ? scale + 1 : 0)
      return { name: base, length: bytes, precision: digits, scale }
    }
    default:
      if (args.length > 0)
        throw new SqlError(
          2716,
          `Column, parameter, or variable #1: Cannot specify a column width on data type ${base}.`,
        )
      return { name: base, length: facts.bytes, precision: facts.precision, scale: facts.scale }
  }
}

export type Family =
  | 'integer'
  | 'exact'
  | 'float'
  | 'text'
  | 'binary'
  | 'temporal'
  | 'guid'
  | 'variant'
  | 'udt'

export function familyOf(type: TdsType): Family {
  switch (type.name) {
    case 'int':
    case 'bigint':
    case 'smallint':
    case 'tinyint':
    case 'bit':
      return 'integer'
    case 'decimal':
    case 'numeric':
    case 'money':
    case 'smallmoney':
      return 'exact'
    case 'float':
    case 'real':
      return 'float'
    case 'binary':
    case 'varbinary':
    case 'image':
    case 'timestamp':
      return 'binary'
    case 'date':
    case 'time':
    case 'datetime':
    case 'datetime2':
    case 'smalldatetime':
    case 'datetimeoffset':
      return 'temporal'
    case 'uniqueidentifier':
      return 'guid'
    case 'sql_variant':
      return 'variant'
    case 'hierarchyid':
    case 'geometry':
    case 'geography':
      return 'udt'
    default:
      return 'text'
  }
}

export const isUnicode = (type: TdsType) =>
  ['nchar', 'nvarchar', 'ntext', 'xml', 'sysname'].includes(type.name)
export const isMax = (type: TdsType) =>
  type.length === -1 || ['text', 'ntext', 'image', 'xml'].includes(type.name)

/** As in a CREATE TABLE. */
export function typeText(type: TdsType): string {
  switch (type.name) {
    case 'decimal':
    case 'numeric':
      return `${type.name}(${type.precision},${type.scale})`
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
      return `${type.name}(${type.length === -1 ? 'max' : type.length})`
    case 'nchar':
    case 'nvarchar':
      return `${type.name}(${type.length === -1 ? 'max' : (type.length ?? 0) / 2})`
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return `${type.name}(${type.scale})`
    default:
      return type.name
  }
}
