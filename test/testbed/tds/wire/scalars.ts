import type { TdsValue } from '../backend.ts'
import type { ByteCursor } from './byte-cursor.ts'
import { scaledText } from './numbers.ts'
import { DAYS_TO_1900, dateText, offsetText, readTicks, shift, timeText } from './temporal.ts'

/** Values of the types that need no length, by type id; undefined for other ids. */
export function readFixedNumber(id: number, cursor: ByteCursor): TdsValue | undefined {
  switch (id) {
    case 0x30:
      return cursor.u8()
    case 0x32:
      return cursor.u8() !== 0
    case 0x34:
      return cursor.i16()
    case 0x38:
      return cursor.i32()
    case 0x7f:
      return cursor.i64()
    case 0x3b:
      return cursor.f32()
    case 0x3e:
      return cursor.f64()
    case 0x3c: {
      const high = BigInt(cursor.i32())
      return scaledText((high << 32n) + BigInt(cursor.u32()), 4)
    }
    case 0x7a:
      return scaledText(BigInt(cursor.i32()), 4)
    case 0x3d: {
      const days = cursor.i32() + DAYS_TO_1900
      const milliseconds = Math.round((cursor.u32() * 10) / 3)
      return `${dateText(days)} ${timeText(BigInt(milliseconds) * 10_000n, 3)}`
    }
    case 0x3a: {
      const days = cursor.u16() + DAYS_TO_1900
      return `${dateText(days)} ${timeText(BigInt(cursor.u16()) * 600_000_000n, 0)}`
    }
    default:
      return undefined
  }
}

/** date, time, datetime2 and datetimeoffset, without their length. */
export function readModernTime(id: number, scale: number, cursor: ByteCursor): string {
  const ticks = id === 0x28 ? 0n : readTicks(cursor, scale)
  if (id === 0x29) return timeText(ticks, scale)
  const days = Number(cursor.uint(3))
  if (id === 0x28) return dateText(days)
  if (id === 0x2a) return `${dateText(days)} ${timeText(ticks, scale)}`
  const minutes = cursor.i16()
  const local = shift(days, ticks, minutes)
  return `${dateText(local.days)} ${timeText(local.ticks, scale)} ${offsetText(minutes)}`
}
