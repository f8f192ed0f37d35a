/** '-12.34' and 4 become -123400n. */
export function parseScaled(text: string, scale: number): bigint {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text)
  const [, sign = '', whole = '', fraction = ''] = match ?? []
  if (match === null || whole + fraction === '') throw new RangeError(`'${text}' is no decimal number`)
  if (/[1-9]/.test(fraction.slice(scale))) throw new RangeError(`'${text}' has more than ${scale} decimals`)
  const magnitude = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'))
  return sign === '-' ? -magnitude : magnitude
}

export function scaledText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  const point = digits.length - scale
  const sign = value < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

export const decimalBytes = (precision: number): number =>
  precision <= 9 ? 4 : precision <= 19 ? 8 : precision <= 28 ? 12 : 16

/** The first three groups are little-endian on the wire. */
const GUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

const reorder = (bytes: Uint8Array): Buffer => Buffer.from(GUID_ORDER.map((index) => bytes[index] ?? 0))

export function guidBytes(text: string): Buffer {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new RangeError(`'${text}' is no GUID`)
  return reorder(Buffer.from(text.replaceAll('-', ''), 'hex'))
}

export function guidText(bytes: Uint8Array): string {
  const hex = reorder(bytes).toString('hex').toUpperCase()
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
