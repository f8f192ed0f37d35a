import type { Catalog, ColumnModel, Module, TableType } from '../catalog/model.ts'

const PART = '(\\[(?:[^\\]]|\\]\\])+\\]|[\\p{L}_@#][\\p{L}\\p{N}_@#$]*)'
const CALL = new RegExp(`${PART}\\s*\\.\\s*${PART}\\s*\\(`, 'gu')

/** Words of a function that may need more than types and other functions. A word in a comment counts as well. */
const NEEDS_MORE = /\b(?:FROM|JOIN|APPLY|INTO|UPDATE|DELETE|MERGE|EXEC|EXECUTE|READONLY|EXTERNAL)\b/i

/** Finds calls of the database's own functions in expressions: what holds one can only be made after the function. */
export interface CalledFunctions {
  /**
   * Functions that columns call and that need nothing but types and one another: made before the tables, so that these
   * columns are made where they stood.
   */
  readonly early: readonly Module[]
  /** The other functions that are called, by object id: they may need tables. */
  in(expression: string): readonly number[]
  inColumn(column: ColumnModel): readonly number[]
  inTableType(type: TableType): readonly number[]
}

export function createCalledFunctions({
  modules,
  tables,
  tableTypes,
}: Pick<Catalog, 'modules' | 'tables' | 'tableTypes'>): CalledFunctions {
  const functions = new Map(
    modules
      .filter(({ kind }) => kind === 'function')
      .map((module) => [keyOf(module.schema, module.name), module]),
  )
  const calledIn = (expression: string): readonly Module[] =>
    [...expression.matchAll(CALL)].flatMap(
      (match) => functions.get(keyOf(unquote(match[1] ?? ''), unquote(match[2] ?? ''))) ?? [],
    )
  const early = new Set<Module>()
  for (const module of [...tables, ...tableTypes].flatMap(({ columns }) =>
    columns.flatMap((column) => expressionsOf(column).flatMap(calledIn)),
  )) {
    const all = closureOfCalls(module, calledIn)
    if ([...all].every(({ definition }) => !NEEDS_MORE.test(definition)))
      for (const each of all) early.add(each)
  }
  const late = (expression: string) =>
    calledIn(expression).flatMap((module) => (early.has(module) ? [] : module.objectId))
  const inColumn = (column: ColumnModel) => expressionsOf(column).flatMap(late)
  return {
    early: [...early],
    in: late,
    inColumn,
    inTableType: ({ columns, checks }) => [
      ...columns.flatMap(inColumn),
      ...checks.flatMap(({ definition }) => late(definition)),
    ],
  }
}

function expressionsOf({ computed, default: constraint }: ColumnModel): readonly string[] {
  return [computed?.definition, constraint?.definition].flatMap((each) => each ?? [])
}

/** The function and all that it calls, those first that others call. Its own name in its head counts as a call of it. */
function closureOfCalls(
  module: Module,
  calledIn: (expression: string) => readonly Module[],
): ReadonlySet<Module> {
  const found = new Set([module])
  // A Set visits what is added while it is walked.
  for (const each of found) for (const called of calledIn(each.definition)) found.add(called)
  return new Set([...found].reverse())
}

/** Too many found under a case-sensitive collation cost nothing: what they are in is made later, and right. */
function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema.toLowerCase(), name.toLowerCase()])
}

function unquote(part: string): string {
  return part.startsWith('[') ? part.slice(1, -1).replaceAll(']]', ']') : part
}
