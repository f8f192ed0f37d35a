import { ARCHIVE_FORMAT, databaseOfPart, GLOBALS_PART } from './parts.ts'

/**
 * Host and user come from the PG* variables of whoever types it. Existing roles make the scripts print errors that do
 * no harm, so psql does not stop at them. `postgres` exists everywhere: it is loaded into, the others are created.
 */
export function byHand(part: { readonly name: string; readonly format: string }): string {
  if (part.format !== ARCHIVE_FORMAT) {
    return part.name === GLOBALS_PART.name ? 'psql -X -d postgres' : 'psql -X -q -d postgres'
  }
  // The archive names its database itself, so no odd name needs quoting here.
  return databaseOfPart(part.name) === 'postgres'
    ? 'pg_restore --exit-on-error -d postgres'
    : 'pg_restore --create --exit-on-error -d postgres'
}
