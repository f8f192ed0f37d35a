import { shellQuote } from '../../core/shell-quote.ts'
import { afterPart, SCRIPT_FORMAT } from './parts.ts'
import type { RowFormat } from './record.ts'

/** A part as a hand-typed line sees it. */
export interface HandPart {
  readonly name: string
  readonly format: string
  /** Of a table: freebcp may keep identity values only where there are some. */
  readonly hasIdentity?: boolean
}

/**
 * HOST and USER are the reader's; the database is created beforehand. Programs ask for the password. bcp reads no stdin,
 * so the rows pass through a FIFO; the text of each format file is in the contents, under engine.databases.tables.
 */
export function byHand({ name, format, hasIdentity = false }: HandPart): string {
  const { database, table } = parsePart(name)
  if (format === SCRIPT_FORMAT) {
    // -b ends at the first error. Afterwards one view of a table that is gone must not keep the rest from being made.
    const strict = name === afterPart(unquoted(database)) ? '' : ' -b'
    // -I: without it sqlcmd has QUOTED_IDENTIFIER off. -x: $(name) is text. -f 65001: the text is UTF-8.
    return `sqlcmd -S HOST -U USER -d ${shellQuote(unquoted(database))}${strict} -I -x -f 65001 -i /dev/stdin`
  }
  switch (format as RowFormat) {
    case 'rows':
    case 'bcp':
      return throughFifo(
        `bcp ${shellQuote(name)} in rows.fifo -f ${shellQuote(`${table}.fmt`)} -k -E -q -m 1 -S HOST -U USER`,
      )
    case 'freebcp':
      // Error 8106 where -E is given for a table without an identity column. Without -P it asks nobody for a password.
      return throughFifo(
        `freebcp ${shellQuote(name)} in rows.fifo -c -t $'\\x1f\\x1e' -r $'\\x1e\\x1f\\n'${hasIdentity ? ' -E' : ''} -h KEEP_NULLS -m 1 -C UTF-8 -S HOST:1433 -U USER -P -`,
      )
  }
}

/**
 * One compound command, so that it can stand behind a pipe. A shell gives what runs beside it an empty stdin, hence
 * descriptor 3. A FIFO that a failed run left may still have a writer: each has its own.
 */
function throughFifo(command: string): string {
  return `{ rm -f rows.fifo; mkfifo rows.fifo; cat <&3 > rows.fifo & ${command} < /dev/tty; } 3<&0`
}

/** `[db] schema-before`, `[db].[schema].[table]`; a `]` in a name is doubled. */
function parsePart(name: string): { readonly database: string; readonly table: string } {
  const quoted = name.match(/\[(?:[^\]]|\]\])*\]/g) ?? []
  return { database: quoted[0] ?? name, table: quoted.slice(1).map(unquoted).join('.') }
}

function unquoted(name: string): string {
  return name.startsWith('[') ? name.slice(1, -1).replaceAll(']]', ']') : name
}
