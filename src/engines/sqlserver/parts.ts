import { quoteName, quoteObject } from './catalog/quote.ts'

/** T-SQL text with GO lines. */
export const SCRIPT_FORMAT = 'sql'

export const beforePart = (database: string) => `${quoteName(database)} schema-before`
export const afterPart = (database: string) => `${quoteName(database)} schema-after`

export function tablePart(
  database: string,
  table: { readonly schema: string; readonly name: string },
): string {
  return `${quoteName(database)}.${quoteObject(table)}`
}
