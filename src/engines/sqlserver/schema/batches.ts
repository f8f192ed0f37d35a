import { quoteText } from '../catalog/quote.ts'

/**
 * Batches of T-SQL in one text, with `GO` lines between them as sqlcmd takes them. Some sqlcmds end a batch at such a
 * line even inside of a comment or a string, others do not; and all of them read some lines as commands of their own
 * and replace $(name). So a batch in which any of that occurs is written as an EXECUTE of its text, whose literal is
 * cut where sqlcmd would see something: what the server gets is the same text in the end.
 */
export function joinBatches(batches: readonly string[]): string {
  return batches.map((batch) => `${safeBatch(batch)}\nGO\n`).join('')
}

/** The batches of a text that joinBatches wrote. */
export function splitBatches(text: string): string[] {
  const batches: string[] = []
  let lines: string[] = []
  for (const line of text.split('\n')) {
    if (line.trim().toUpperCase() === 'GO') {
      batches.push(lines.join('\n'))
      lines = []
    } else {
      lines.push(line)
    }
  }
  const rest = lines.join('\n')
  return rest.trim() === '' ? batches : [...batches, rest]
}

/** As it is, or as an EXECUTE. Both do the same at the server, under the same SET options. */
export function safeBatch(batch: string): string {
  if (!UNSAFE.test(batch)) return batch
  // Statements rather than one sum: thousands of operands would be too complex an expression.
  return [
    "DECLARE @batch nvarchar(max) = N''",
    ...pieces(batch).map((piece) => `SET @batch += ${piece}`),
    'EXECUTE (@batch)',
  ].join('\n')
}

const LINE = '(?:^|[\\r\\n\\v\\f\\u0085\\u2028\\u2029])'
/** Commands of sqlcmd: those of osql work without the colon that newer ones begin with. */
const COMMAND = '(?:(?:GO|EXIT|QUIT|RESET|ED|SERVERLIST)(?![\\w@$#])|!!|:)'
/** Half a surrogate pair has no UTF-8; a NUL ends a text for many programs; a byte order mark vanishes at the start. */
const BROKEN = '[\\0\\uFEFF]|[\\uD800-\\uDBFF](?![\\uDC00-\\uDFFF])|(?<![\\uD800-\\uDBFF])[\\uDC00-\\uDFFF]'
const UNSAFE = new RegExp(`${LINE}\\s*${COMMAND}|\\$\\(|${BROKEN}`, 'i')
const CUT = new RegExp(`(?<=${LINE}\\s*)(?=${COMMAND})|(?<=\\$)(?=\\()|(?=${BROKEN})|(?<=${BROKEN})`, 'gi')

/** Literals that give the text when they are joined, none with a line that sqlcmd would act on. */
function pieces(text: string): string[] {
  return text
    .split(CUT)
    .filter((piece) => piece !== '')
    .map((piece) => {
      if (!new RegExp(`^(?:${BROKEN})$`).test(piece)) return quoteText(piece)
      const unit = piece.charCodeAt(0)
      // By its bytes: NCHAR of half a pair is NULL under some collations.
      const bytes = [unit & 0xff, unit >> 8].map((byte) => byte.toString(16).padStart(2, '0'))
      return `CAST(0x${bytes.join('')} AS nvarchar(1))`
    })
}
