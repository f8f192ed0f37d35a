/**
 * Reads a file of rows as docs/engines/sqlserver-rows.md tells a stranger to, knowing nothing but the format file: the
 * code of lifeboat has no part in it.
 */
export function readByFormatFile(formatFile: string, data: Uint8Array): unknown[][] {
  const [, count, ...lines] = formatFile.trimEnd().split('\n')
  const fields = lines.map((line) => {
    const [, hostType, prefix, , terminator] = line.split('\t')
    if (terminator !== '""') throw new Error('a field with a terminator')
    return { hostType, prefix: Number(prefix) }
  })
  if (fields.length !== Number(count)) throw new Error(`${fields.length} fields, not ${count}`)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let at = 0
  const rows: unknown[][] = []
  while (at < data.byteLength) {
    rows.push(
      fields.map(({ hostType, prefix }) => {
        const length =
          prefix === 1
            ? view.getInt8(at)
            : prefix === 2
              ? view.getInt16(at, true)
              : Number(view.getBigInt64(at, true))
        const start = at + prefix
        at = start + Math.max(length, 0)
        return length === -1 ? null : decode(hostType, view, start, length)
      }),
    )
  }
  return rows
}

function decode(hostType: string | undefined, view: DataView, at: number, length: number): unknown {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length)
  const hex = (from: number, to: number, reversed: boolean) => {
    const part = [...bytes.slice(from, to)].map((byte) => byte.toString(16).padStart(2, '0'))
    return (reversed ? part.reverse() : part).join('')
  }
  switch (hostType) {
    case 'SQLTINYINT':
      return view.getUint8(at)
    case 'SQLSMALLINT':
      return view.getInt16(at, true)
    case 'SQLINT':
      return view.getInt32(at, true)
    case 'SQLBIGINT':
      return view.getBigInt64(at, true)
    case 'SQLBIT':
      return view.getUint8(at) === 1
    case 'SQLFLT8':
      return view.getFloat64(at, true)
    case 'SQLFLT4':
      return view.getFloat32(at, true)
    case 'SQLUNIQUEID':
      return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10, false), hex(10, 16, false)]
        .join('-')
        .toUpperCase()
    case 'SQLNCHAR': {
      let text = ''
      for (let unit = 0; unit < length; unit += 2)
        text += String.fromCharCode(view.getUint16(at + unit, true))
      return text
    }
    case 'SQLBINARY':
    case 'SQLUDT':
      return bytes.slice()
    default:
      throw new Error(`no such host type: ${hostType}`)
  }
}
