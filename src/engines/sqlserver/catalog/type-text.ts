import type { SqlColumn } from '../session.ts'

/** A base type with its length or digits, as a column is declared with it. */
export function typeText({ type, maxLength, precision, scale }: Omit<SqlColumn, 'name'>): string {
  switch (type) {
    case 'nchar':
    case 'nvarchar':
      return maxLength === undefined ? type : `${type}(${maxLength < 0 ? 'max' : maxLength / 2})`
    case 'char':
    case 'varchar':
    case 'binary':
    case 'varbinary':
      return maxLength === undefined ? type : `${type}(${maxLength < 0 ? 'max' : maxLength})`
    case 'decimal':
    case 'numeric':
      return precision === undefined ? type : `${type}(${precision},${scale ?? 0})`
    case 'datetime2':
    case 'datetimeoffset':
    case 'time':
      return scale === undefined ? type : `${type}(${scale})`
    default:
      // float(1–24) is kept as real, float(25–53) as float: neither needs its digits.
      return type
  }
}

const WITH_COLLATION = ['char', 'varchar', 'nchar', 'nvarchar', 'text', 'ntext']

export function hasCollation(type: string): boolean {
  return WITH_COLLATION.includes(type)
}
