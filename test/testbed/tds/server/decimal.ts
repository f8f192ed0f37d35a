/** Exact decimals as an integer and its number of fraction digits. */
export interface Decimal {
  readonly unscaled: bigint
  readonly scale: number
}

export function parseDecimal(text: string): Decimal | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?\s*$/.exec(text)
  if (match === null || `${match[2]}${match[3] ?? ''}` === '') return undefined
  const fraction = match[3] ?? ''
  const unscaled = BigInt(`${match[2]}${fraction}`)
  return { unscaled: match[1] === '-' ? -unscaled : unscaled, scale: fraction.length }
}

export function formatDecimal({ unscaled, scale }: Decimal): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Half away from zero, as SQL Server rounds. */
export function rescale({ unscaled, scale }: Decimal, to: number): Decimal {
  if (to >= scale) return { unscaled: unscaled * 10n ** BigInt(to - scale), scale: to }
  const unit = 10n ** BigInt(scale - to)
  const half = unit / 2n
  const rounded = unscaled < 0n ? -((-unscaled + half) / unit) : (unscaled + half) / unit
  return { unscaled: rounded, scale: to }
}

export const digitsOf = (unscaled: bigint) => (unscaled < 0n ? -unscaled : unscaled).toString().length

export function compareDecimals(left: Decimal, right: Decimal): number {
  const scale = Math.max(left.scale, right.scale)
  const a = rescale(left, scale).unscaled
  const b = rescale(right, scale).unscaled
  return a < b ? -1 : a > b ? 1 : 0
}

/** The shortest decimal text of a double, without an exponent. */
export function decimalOfNumber(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = value.toString().split('e')
  const parsed = parseDecimal(mantissa) ?? { unscaled: 0n, scale: 0 }
  const shift = Number(exponent)
  return shift >= 0
    ? rescale({ unscaled: parsed.unscaled * 10n ** BigInt(shift), scale: parsed.scale }, parsed.scale)
    : { unscaled: parsed.unscaled, scale: parsed.scale - shift }
}
