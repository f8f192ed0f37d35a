import type { Catalog, ColumnModel, Module, TableType } from '../catalog/model.ts'

const PART = '(\\[(?:[^\\]]|\\]\\])+\\]|[\\p{L}_@#][\\p{L}\\p{N}_@#$]*)'
const CALL = new RegExp(`${PART}\\s*\\.\\s*${PART}\\s*\\(`, 'gu')

/** Finds calls of the database's own functions in expressions: what holds one can only be made after the function. */
export interface CalledFunctions {
  /** The functions' object ids. */
  in(expression: string): readonly number[]
  inColumn(column: ColumnModel): readonly number[]
  inTableType(type: TableType): readonly number[]
}

export function createCalledFunctions({ modules }: Pick<Catalog, 'modules'>): CalledFunctions {
  const functions = new Map(
    modules
      .filter(({ kind }) => kind === 'function')
      .map((module: Module) => [keyOf(module.schema, module.name), module.objectId]),
  )
  const called = (expression: string) =>
    [...expression.matchAll(CALL)].flatMap((match) => {
      const found = functions.get(keyOf(unquote(match[1] ?? ''), unquote(match[2] ?? '')))
      return found === undefined ? [] : found
    })
  const inColumn = (column: ColumnModel) =>
    [column.computed?.definition, column.default?.definition].flatMap((each) => called(each ?? ''))
  return {
    in: called,
    inColumn,
    inTableType: ({ columns, checks }) => [
      ...columns.flatMap(inColumn),
      ...checks.flatMap(({ definition }) => called(definition)),
    ],
  }
}

/** Too many found under a case-sensitive collation cost nothing: what they are in is made later, and right. */
function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema.toLowerCase(), name.toLowerCase()])
}

function unquote(part: string): string {
  return part.startsWith('[') ? part.slice(1, -1).replaceAll(']]', ']') : part
}
