import type { TdsType, TdsValue } from '../backend.ts'
import type { ByteWriter } from './byte-writer.ts'
import { decimalBytes, parseScaled } from './numbers.ts'
import { parseMoment, TICKS_PER_DAY, timeBytes, toUtc, writeTicks } from './temporal.ts'
import { expect, plain, sized, type ValueEncoder } from './value-encoder.ts'

interface FixedType {
  readonly id: number
  readonly nullableId: number
  readonly bytes: number
}

export const INTEGERS: Readonly<Record<string, FixedType>> = {
  tinyint: { id: 0x30, nullableId: 0x26, bytes: 1 },
  smallint: { id: 0x34, nullableId: 0x26, bytes: 2 },
  int: { id: 0x38, nullableId: 0x26, bytes: 4 },
  bigint: { id: 0x7f, nullableId: 0x26, bytes: 8 },
}

export function integerWriter(name: string, bytes: number): (writer: ByteWriter, value: TdsValue) => void {
  if (bytes === 8) return (writer, value) => writer.i64(expect(value, 'bigint', name))
  return (writer, value) => {
    const number = expect(value, 'number', name)
    if (bytes === 1) writer.u8(number)
    else if (bytes === 2) writer.i16(number)
    else writer.i32(number)
  }
}

/** Types that have one form for NOT NULL columns and another for the rest. */
export function fixed(
  type: FixedType,
  nullable: boolean,
  write: (writer: ByteWriter, value: TdsValue) => void,
): ValueEncoder {
  if (!nullable) return { ...plain, writeInfo: (writer) => writer.u8(type.id), write }
  return sized(
    (writer) => {
      writer.u8(type.nullableId)
      writer.u8(type.bytes)
    },
    (writer, value) => {
      writer.u8(type.bytes)
      write(writer, value)
    },
  )
}

export function decimal(type: TdsType): ValueEncoder {
  const { precision = 18, scale = 0 } = type
  const bytes = decimalBytes(precision)
  return sized(
    (writer) => {
      writer.u8(type.name === 'numeric' ? 0x6c : 0x6a)
      writer.u8(bytes + 1)
      writer.u8(precision)
      writer.u8(scale)
    },
    (writer, value) => {
      const scaled = parseScaled(expect(value, 'string', type.name), scale)
      const magnitude = scaled < 0n ? -scaled : scaled
      if (magnitude >= 10n ** BigInt(precision))
        throw new RangeError(`'${value}' has more than ${precision} digits`)
      writer.u8(bytes + 1)
      writer.u8(scaled < 0n ? 0 : 1)
      writer.uint(magnitude, bytes)
    },
  )
}

const MODERN_TIMES: Readonly<Record<string, number>> = {
  date: 0x28,
  time: 0x29,
  datetime2: 0x2a,
  datetimeoffset: 0x2b,
}

export function modernTime({ name, scale = 7 }: TdsType): ValueEncoder {
  return sized(
    (writer) => {
      writer.u8(MODERN_TIMES[name] ?? 0)
      if (name !== 'date') writer.u8(scale)
    },
    (writer, value) => {
      const moment = parseMoment(expect(value, 'string', name))
      const { days, ticks } = name === 'datetimeoffset' ? toUtc(moment) : moment
      if (ticks >= TICKS_PER_DAY) throw new RangeError(`'${value}' is later than a day ends`)
      const time = name === 'date' ? 0 : timeBytes(scale)
      writer.u8(time + (name === 'time' ? 0 : 3) + (name === 'datetimeoffset' ? 2 : 0))
      if (name !== 'date') writeTicks(writer, ticks, scale)
      if (name !== 'time') writer.uint(BigInt(days), 3)
      if (name === 'datetimeoffset') writer.i16(moment.offsetMinutes)
    },
  )
}
