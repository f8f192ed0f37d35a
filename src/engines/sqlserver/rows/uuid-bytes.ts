/** Windows' order of a GUID: its first three groups are little-endian numbers, the last two plain bytes. */
const ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const

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
  const hex = bytes.toString('hex').toUpperCase()
  const byte = (at: number) => hex.slice(at * 2, at * 2 + 2)
  const first = byte(3) + byte(2) + byte(1) + byte(0)
  return `${first}-${byte(5)}${byte(4)}-${byte(7)}${byte(6)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
