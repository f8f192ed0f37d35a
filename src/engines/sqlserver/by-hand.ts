import { shellQuote } from '../../core/shell-quote.ts'
import { SCRIPT_FORMAT } from './parts.ts'
import type { RowFormat } from './record.ts'

/**
 * HOST and USER are the reader's; the database is created beforehand. Programs ask for the password. bcp reads no stdin,
 * so the rows pass through a FIFO; the text of each format file is in the contents, under engine.databases.tables.
 */
export function byHand(part: { readonly name: string; readonly format: string }): string {
  const { database, table } = parsePart(part.name)
  if (part.format === SCRIPT_FORMAT) {
    // -I: without it sqlcmd has QUOTED_IDENTIFIER off. -x: $(name) is text. -f 65001: the text is UTF-8.
    return `sqlcmd -S HOST -U USER -d ${shellQuote(unquoted(database))} -b -I -x -f 65001 -i /dev/stdin`
  }
  const fifo = 'mkfifo rows.fifo; cat > rows.fifo & '
  const name = shellQuote(part.name)
  switch (part.format as RowFormat) {
    case 'rows':
    case 'bcp':
      return `${fifo}bcp ${name} in rows.fifo -f ${shellQuote(`${table}.fmt`)} -k -E -q -m 1 -S HOST -U USER`
    case 'freebcp':
      return `${fifo}freebcp ${name} in rows.fifo -c -t $'\\x1f\\x1e' -r $'\\x1e\\x1f\\n' -E -h KEEP_NULLS -m 1 -C UTF-8 -S HOST:1433 -U USER`
  }
}

/** `[db] schema-before`, `[db].[schema].[table]`; a `]` in a name is doubled. */
function parsePart(name: string): { readonly database: string; readonly table: string } {
  const quoted = name.match(/\[(?:[^\]]|\]\])*\]/g) ?? []
  return { database: quoted[0] ?? name, table: quoted.slice(1).map(unquoted).join('.') }
}

function unquoted(name: string): string {
  return name.startsWith('[') ? name.slice(1, -1).replaceAll(']]', ']') : name
}
