/** Windows' order of a GUID: its first three groups are little-endian numbers, the last two plain bytes. */
const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const

const HYPHENS_BEFORE: ReadonlySet<number> = new Set([4, 6, 8, 10])

/** False if the text is not a GUID. */
export function writeUuid(target: Buffer, at: number, text: string): boolean {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return false
  const plain = Buffer.from(text.replaceAll('-', ''), 'hex')
  ORDER.forEach((from, index) => {
    target[at + index] = plain[from] as number
  })
  return true
}

/** Upper case, as SQL Server shows it. */
export function readUuid(bytes: Buffer): string {
  let text = ''
  for (const [index, from] of ORDER.entries()) {
    if (HYPHENS_BEFORE.has(index)) text += '-'
    text += (bytes[from] as number).toString(16).padStart(2, '0')
  }
  return text.toUpperCase()
}
