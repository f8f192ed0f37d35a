import { LifeboatError } from '../../core/errors.ts'

/** What METADATA_FILTER takes as a literal is bounded like any string of PL/SQL. */
const LIST_BYTES = 32_000

/** `'A','O''B'`: the value of a SCHEMA_LIST or NAME_LIST, which Data Pump reads as SQL. Bound, as all values are. */
export function quoteList(names: readonly string[]): string {
  const list = names.map((name) => `'${name.replaceAll("'", "''")}'`).join(',')
  if (Buffer.byteLength(list) <= LIST_BYTES) return list
  throw new LifeboatError(
    'unsupported',
    `unable to name ${names.length} schemas or tables to Data Pump: the list is too long`,
    { hint: 'Take them in several runs, each limited by schemas= or tables= in the database URL.' },
  )
}

/** As people write it in SQL, for messages and lines to be typed. */
export function quoteName(name: string): string {
  return /^[A-Z][A-Z0-9_$#]*$/.test(name) ? name : `"${name}"`
}
