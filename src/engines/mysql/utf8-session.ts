import { COM_QUERY, packet } from './packets.ts'
import { DUMP_CHARSET, SINGLE_BYTES } from './tool-charset.ts'

/** For a SET, whatever the tool has logged in with (see tool-charset.ts). */
export const IN_UTF8 = ['client', 'connection', 'results']
  .map((name) => `SESSION character_set_${name} = ${DUMP_CHARSET}`)
  .join(', ')

/** COM_QUIT, COM_INIT_DB, COM_FIELD_LIST, COM_STATISTICS, COM_PING: none touches a character set. */
const HARMLESS: ReadonlySet<number | undefined> = new Set([0x01, 0x02, 0x04, 0x09, 0x0e])
/** Around each definition, which is sent as it was stored (switch_character_set_results in mysqldump.cc). */
const results = (charset: string) => `SET SESSION character_set_results = '${charset}'`
const SETS = /^\s*(?:\/\*M?!\d*\s*)?SET\b/i
const A_CHARSET = /character\s*_?set|collation|\bNAMES\b|\bCHARSET\b/i

/**
 * A packet of a tool that was told single bytes, as the server is to get it. Undefined for what would end UTF-8, and for
 * what no dump tool needs.
 */
export function inUtf8(whole: Buffer): Buffer | undefined {
  // Otherwise it is the rest of a command of more than 16 MiB, or of a file.
  if (whole[3] !== 0) return undefined
  if (whole[4] !== COM_QUERY) return HARMLESS.has(whole[4]) ? whole : undefined
  const statement = whole.toString('latin1', 5)
  const kept = keepUtf8(statement)
  if (kept === undefined) return undefined
  return kept === statement ? whole : packet(0, Buffer.from(`\x03${kept}`, 'latin1'))
}

/** Where the tool is done with a definition, it asks for what it was told. */
function keepUtf8(statement: string): string | undefined {
  if (statement === results(SINGLE_BYTES)) return results(DUMP_CHARSET)
  if (statement === results('binary')) return statement
  return SETS.test(statement) && A_CHARSET.test(statement) ? undefined : statement
}
