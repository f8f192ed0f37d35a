import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SqlColumn, SqlValue } from '../../../../src/engines/sqlserver/session.ts'
import { wireType } from '../../../../src/engines/sqlserver/wire-values.ts'

function bytesOf(column: Omit<SqlColumn, 'name'>, value: NonNullable<SqlValue>): Buffer {
  return Buffer.concat(wireType({ name: 'c', ...column }).encode(value))
}

function hex(column: Omit<SqlColumn, 'name'>, value: NonNullable<SqlValue>): string {
  return bytesOf(column, value).toString('hex')
}

function unsigned(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0')
}

const timeText = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(9_999_999))
  .map(([h, m, s, fraction]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}.${pad(fraction, 7)}`)

const dayText = fc
  .date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))

/** Independent of the code: by the proleptic calendar of Date, in milliseconds. */
function daysSinceYearOne(day: string): number {
  return (Date.parse(`${day}T00:00:00Z`) - Date.parse('0001-01-01T00:00:00Z')) / 86_400_000
}

describe('the bytes of a bulk load', () => {
  // Written down from MS-TDS 2.2.5.5 and from what a server was seen to send.
  test.each<[string, Omit<SqlColumn, 'name'>, NonNullable<SqlValue>, string]>([
    ['tinyint', { type: 'tinyint' }, 255, '01ff'],
    ['smallint', { type: 'smallint' }, -2, '02feff'],
    ['int', { type: 'int' }, 258, '0402010000'],
    ['bigint', { type: 'bigint' }, -9223372036854775808n, '080000000000000080'],
    ['bit', { type: 'bit' }, true, '0101'],
    ['real', { type: 'real' }, 1, '040000803f'],
    ['float', { type: 'float' }, -1, '08000000000000f0bf'],
    ['money', { type: 'money' }, '-0.0001', '08ffffffffffffffff'],
    ['money, its high half first', { type: 'money' }, '922337203685477.5807', '08ffffff7fffffffff'],
    ['smallmoney', { type: 'smallmoney' }, '-214748.3648', '0400000080'],
    ['decimal(9, 2)', { type: 'decimal', precision: 9, scale: 2 }, '-1.5', '050096000000'],
    ['decimal(10, 0)', { type: 'decimal', precision: 10, scale: 0 }, '1', '09010100000000000000'],
    ['date', { type: 'date' }, '9999-12-31', '03dab937'],
    ['date of the year 1', { type: 'date' }, '0001-01-01', '03000000'],
    ['time(7)', { type: 'time', scale: 7 }, '23:59:59.9999999', '05ffbf692ac9'],
    ['time(0)', { type: 'time', scale: 0 }, '00:00:01', '03010000'],
    ['datetime', { type: 'datetime' }, '1900-01-01 00:00:00.003', '080000000001000000'],
    ['datetime before 1900', { type: 'datetime' }, '1753-01-01 23:59:59.997', '08462effffff818b01'],
    ['smalldatetime', { type: 'smalldatetime' }, '2079-06-06 23:59:00', '04ffff9f05'],
    [
      'datetimeoffset',
      { type: 'datetimeoffset', scale: 0 },
      '0001-01-02 00:30:00 +05:30',
      '08 300b01 000000 4a01',
    ],
    [
      'uniqueidentifier',
      { type: 'uniqueidentifier' },
      '00112233-4455-6677-8899-AABBCCDDEEFF',
      '1033221100554477668899aabbccddeeff',
    ],
    ['nvarchar', { type: 'nvarchar', maxLength: 20 }, 'é', '0200e900'],
    ['an empty nvarchar', { type: 'nvarchar', maxLength: 20 }, '', '0000'],
    ['nvarchar(max)', { type: 'nvarchar', maxLength: -1 }, 'a', '0200000000000000 02000000 6100 00000000'],
    ['an empty nvarchar(max)', { type: 'nvarchar', maxLength: -1 }, '', '0000000000000000 00000000'],
    ['varbinary', { type: 'varbinary', maxLength: 3 }, Uint8Array.of(0, 1), '02000001'],
  ])('%s', (_name, column, value, expected) => {
    const text = expected.replaceAll(' ', '')
    expect(hex(column, value)).toBe(text)
  })

  test('keeps every digit of a decimal', () => {
    const decimal = fc
      .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
      .map(([precision, scale]) => ({ precision, scale: Math.min(scale, precision) }))
      .chain(({ precision, scale }) =>
        fc.record({
          precision: fc.constant(precision),
          scale: fc.constant(scale),
          units: fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
        }),
      )
    fc.assert(
      fc.property(decimal, ({ precision, scale, units }) => {
        const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
        const whole = digits.slice(0, digits.length - scale)
        const text = `${units < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`
        const bytes = bytesOf({ type: 'decimal', precision, scale }, text)
        const magnitude = unsigned(bytes.subarray(2))
        expect(bytes[0]).toBe(bytes.length - 1)
        expect(bytes[1] === 1 ? magnitude : -magnitude).toBe(units)
      }),
    )
  })

  test('keeps every digit of a datetime2', () => {
    fc.assert(
      fc.property(dayText, timeText, (day, time) => {
        const bytes = bytesOf({ type: 'datetime2', scale: 7 }, `${day} ${time}`)
        const [h, m, s] = time.slice(0, 8).split(':').map(BigInt) as [bigint, bigint, bigint]
        expect(unsigned(bytes.subarray(1, 6))).toBe(
          ((h * 60n + m) * 60n + s) * 10_000_000n + BigInt(time.slice(9)),
        )
        expect(Number(unsigned(bytes.subarray(6)))).toBe(daysSinceYearOne(day))
      }),
    )
  })

  test('keeps a datetimeoffset and its offset', () => {
    const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 })
    fc.assert(
      fc.property(dayText, timeText, offsets, (day, time, minutes) => {
        const away = Math.abs(minutes)
        const offset = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(away / 60), 2)}:${pad(away % 60, 2)}`
        const bytes = bytesOf({ type: 'datetimeoffset', scale: 7 }, `${day} ${time} ${offset}`)
        expect(bytes.readInt16LE(9)).toBe(minutes)
        const ticks = unsigned(bytes.subarray(1, 6))
        const days = Number(unsigned(bytes.subarray(6, 9)))
        const utc = Date.parse(`${day}T${time.slice(0, 12)}Z`) - minutes * 60_000
        const came = days * 86_400_000 + Number(ticks / 10_000n) + Date.parse('0001-01-01T00:00:00Z')
        expect(came).toBe(utc)
        expect(ticks % 10_000n).toBe(BigInt(time.slice(12)))
      }),
    )
  })

  test.each<[string, Omit<SqlColumn, 'name'>, NonNullable<SqlValue>]>([
    ['a digit that has no place', { type: 'decimal', precision: 5, scale: 2 }, '1.234'],
    ['too many digits', { type: 'decimal', precision: 5, scale: 2 }, '1000'],
    ['money of five places', { type: 'money' }, '1.00005'],
    ['money that is too much', { type: 'money' }, '922337203685477.5808'],
    ['no number', { type: 'decimal', precision: 5, scale: 2 }, 'one'],
    ['a double where an exact number is due', { type: 'decimal', precision: 5, scale: 2 }, 1.5],
    ['a tinyint of 256', { type: 'tinyint' }, 256],
    ['a day that is none', { type: 'date' }, '2023-02-29'],
    ['a time that is none', { type: 'time', scale: 7 }, '24:00:00'],
    ['a digit of a second too many', { type: 'time', scale: 3 }, '00:00:00.0001'],
    ['an offset that is none', { type: 'datetimeoffset', scale: 7 }, '2024-01-01 00:00:00 +15:00'],
    ['a text that is too long', { type: 'nvarchar', maxLength: 4 }, 'abc'],
    ['text where bytes are due', { type: 'varbinary', maxLength: 4 }, 'ab'],
    ['no uuid', { type: 'uniqueidentifier' }, '123'],
  ])('refuses %s', (_name, column, value) => {
    expect(() => bytesOf(column, value)).toThrow(TypeError)
  })

  test('declares single-byte text as nvarchar, so that the server converts it', () => {
    const declared = (maxLength: number) => wireType({ name: 'c', type: 'varchar', maxLength }).declaration
    expect(declared(10)).toBe('nvarchar(10)')
    expect(declared(4001)).toBe('nvarchar(max)')
    expect(declared(-1)).toBe('nvarchar(max)')
  })
})
