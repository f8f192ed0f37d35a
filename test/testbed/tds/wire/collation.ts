/** SQL_Latin1_General_CP1_CI_AS, the default of most servers: code page 1252. */
const LATIN1_COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34])
/** Latin1_General_100_CI_AS_SC_UTF8: bit 26 says UTF-8. */
const UTF8_COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x24, 0x00])
const UTF8_BIT_IN_BYTE_3 = 0x04

export type CodePage = 'cp1252' | 'utf-8'

/** By the name of a collation, as SQL Server names those of UTF-8. */
export const codePageOf = (collation: string | undefined): CodePage =>
  collation !== undefined && /_UTF8(_|$)/i.test(collation) ? 'utf-8' : 'cp1252'

export const collationBytes = (codePage: CodePage): Buffer =>
  codePage === 'utf-8' ? UTF8_COLLATION : LATIN1_COLLATION

/** Clients that declare no collation (all zero) mean the server's. */
export const codePageOfBytes = (collation: Buffer): CodePage =>
  (collation.readUInt8(3) & UTF8_BIT_IN_BYTE_3) !== 0 ? 'utf-8' : 'cp1252'

const latin1 = new TextDecoder('windows-1252')
const HIGH_BYTES = new Map(
  [...latin1.decode(Uint8Array.from({ length: 128 }, (_, index) => index + 128))].map(
    (character, index) => [character, index + 128] as const,
  ),
)

/** What the code page lacks becomes a question mark, as it does in SQL Server. */
export function encodeCharacters(text: string, codePage: CodePage): Buffer {
  if (codePage === 'utf-8') return Buffer.from(text, 'utf8')
  const bytes: number[] = []
  for (const character of text) {
    const code = character.charCodeAt(0)
    bytes.push(code < 128 ? code : (HIGH_BYTES.get(character) ?? 0x3f))
  }
  return Buffer.from(bytes)
}

export const decodeCharacters = (bytes: Buffer, codePage: CodePage): string =>
  codePage === 'utf-8' ? bytes.toString('utf8') : latin1.decode(bytes)
