/** Bytes of the magnitude of a decimal (MS-TDS 2.2.5.5.1.6). */
export function decimalWidth(precision: number): number {
  if (precision <= 9) return 4
  if (precision <= 19) return 8
  return precision <= 28 ? 12 : 16
}

/** `-12.5` at scale 4 is -125000n. Nothing is rounded: a digit that has no place is an error. */
export function decimalUnits(text: string, precision: number, scale: number): bigint {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text)
  const [whole = '', fraction = ''] = [match?.[2], match?.[3]]
  if (match === null || whole + fraction === '') throw new TypeError(`'${text}' is no decimal number`)
  if (/[1-9]/.test(fraction.slice(scale)))
    throw new TypeError(`'${text}' has more than ${scale} decimal places`)
  const units = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'))
  if (units >= 10n ** BigInt(precision)) throw new TypeError(`'${text}' has more than ${precision} digits`)
  return match[1] === '-' ? -units : units
}

/** Unsigned. Refuses what does not fit. */
export function littleEndian(number: number | bigint, width: number): Buffer {
  if (typeof number === 'number') {
    const bytes = Buffer.allocUnsafe(width)
    // Throws a RangeError by itself; 6 bytes are the most that it takes.
    bytes.writeUIntLE(number, 0, width)
    return bytes
  }
  if (number < 0n || number >> BigInt(8 * width) !== 0n) {
    throw new TypeError(`${number} does not fit into ${width} bytes`)
  }
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(number & 0xffff_ffff_ffff_ffffn, 0)
  bytes.writeBigUInt64LE(number >> 64n, 8)
  return bytes.subarray(0, width)
}
