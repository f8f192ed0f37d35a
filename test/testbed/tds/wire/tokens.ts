import type { TdsColumn, TdsType, TdsValue } from '../backend.ts'
import type { ByteWriter } from './byte-writer.ts'
import { createValueEncoder } from './encode-value.ts'
import { type TdsVersion, TOKEN } from './protocol.ts'
import type { ValueEncoder } from './value-encoder.ts'

const SERVER_NAME = 'lifeboat-test'
/** As SQL Server cuts the text of RAISERROR. */
const MOST_MESSAGE_UNITS = 2047

export interface MessageToken {
  readonly number: number
  readonly severity: number
  readonly state?: number
  readonly message: string
  readonly procedure?: string
  readonly line?: number
}

export function writeMessage(
  writer: ByteWriter,
  token: typeof TOKEN.error | typeof TOKEN.info,
  message: MessageToken,
  version: TdsVersion,
): void {
  withLength(writer, token, () => {
    writer.i32(message.number)
    writer.u8(message.state ?? 1)
    writer.u8(message.severity)
    writer.longText(message.message.slice(0, MOST_MESSAGE_UNITS))
    writer.shortText(SERVER_NAME)
    writer.shortText(message.procedure ?? '')
    if (version < 72) writer.u16(message.line ?? 1)
    else writer.u32(message.line ?? 1)
  })
}

export const ENVIRONMENT = {
  database: 1,
  language: 2,
  packetSize: 4,
  collation: 7,
  transactionBegun: 8,
  transactionCommitted: 9,
  transactionRolledBack: 10,
} as const

export function writeEnvironment(
  writer: ByteWriter,
  kind: number,
  now: string | Buffer,
  before: string | Buffer,
): void {
  withLength(writer, TOKEN.envChange, () => {
    writer.u8(kind)
    for (const value of [now, before]) {
      if (typeof value === 'string') writer.shortText(value)
      else {
        writer.u8(value.length)
        writer.bytes(value)
      }
    }
  })
}

export function writeDatabase(writer: ByteWriter, now: string, before: string, version: TdsVersion): void {
  writeEnvironment(writer, ENVIRONMENT.database, now, before)
  const message = `Changed database context to '${now}'.`
  writeMessage(writer, TOKEN.info, { number: 5701, severity: 0, state: 2, message }, version)
}

export const loginAckVersion: Readonly<Record<TdsVersion, number>> = {
  71: 0x71000001,
  72: 0x72090002,
  73: 0x730b0003,
  74: 0x74000004,
}

export function writeLoginAck(writer: ByteWriter, version: number): void {
  withLength(writer, TOKEN.loginAck, () => {
    writer.u8(1)
    for (const shift of [24, 16, 8, 0]) writer.u8((version >>> shift) & 0xff)
    writer.shortText('Microsoft SQL Server')
    writer.bytes(Buffer.from([16, 0, 0x10, 0x00]))
  })
}

const FLAG = { nullable: 0x01, updatable: 0x08, identity: 0x10, computed: 0x20 }

function writeColumnStart(
  writer: ByteWriter,
  encoder: ValueEncoder,
  flags: number,
  version: TdsVersion,
): void {
  if (version < 72) writer.u16(encoder.userType)
  else writer.u32(encoder.userType)
  writer.u16(flags)
  encoder.writeInfo(writer)
}

/** COLMETADATA; gives what writes the rows that follow. */
export function writeColumns(
  writer: ByteWriter,
  columns: readonly TdsColumn[],
  version: TdsVersion,
): (values: readonly TdsValue[]) => void {
  const encoders = columns.map(({ type, nullable }) => createValueEncoder(type, nullable, version))
  writer.u8(TOKEN.columns)
  writer.u16(columns.length)
  columns.forEach((column, index) => {
    const encoder = encoders[index] as ValueEncoder
    const isReadOnly = column.identity === true || column.computed === true || encoder.userType !== 0
    const flags =
      (column.nullable ? FLAG.nullable : 0) |
      (isReadOnly ? 0 : FLAG.updatable) |
      (column.identity === true ? FLAG.identity : 0) |
      (column.computed === true ? FLAG.computed : 0)
    writeColumnStart(writer, encoder, flags, version)
    if (encoder.isOldLarge) {
      // The table is not named: no parts, or before 7.2 an empty name.
      if (version < 72) writer.u16(0)
      else writer.u8(0)
    }
    writer.shortText(column.name)
  })
  return (values) => writeRow(writer, encoders, columns, values, version)
}

function writeRow(
  writer: ByteWriter,
  encoders: readonly ValueEncoder[],
  columns: readonly TdsColumn[],
  values: readonly TdsValue[],
  version: TdsVersion,
): void {
  if (values.length !== encoders.length) {
    throw new RangeError(`a row of ${values.length} values came for ${encoders.length} columns`)
  }
  const withBitmap = version >= 73 && values.includes(null)
  writer.u8(withBitmap ? TOKEN.nullBitmapRow : TOKEN.row)
  if (withBitmap) {
    for (let first = 0; first < values.length; first += 8) {
      let bits = 0
      for (let bit = 0; bit < 8; bit += 1) if (values[first + bit] === null) bits |= 1 << bit
      writer.u8(bits)
    }
  }
  encoders.forEach((encoder, index) => {
    const value = values[index] ?? null
    const column = columns[index] as TdsColumn
    if (value === null && !column.nullable)
      throw new TypeError(`column '${column.name}' can't be null, and is`)
    if (value === null && withBitmap) return
    try {
      encoder.write(writer, value)
    } catch (thrown) {
      throw new TypeError(`column '${column.name}': ${(thrown as Error).message}`, { cause: thrown })
    }
  })
}

export function writeReturnValue(
  writer: ByteWriter,
  event: { readonly name: string; readonly type: TdsType; readonly value: TdsValue },
  ordinal: number,
  version: TdsVersion,
): void {
  const encoder = createValueEncoder(event.type, true, version)
  writer.u8(TOKEN.returnValue)
  writer.u16(ordinal)
  writer.shortText(event.name === '' || event.name.startsWith('@') ? event.name : `@${event.name}`)
  writer.u8(1)
  writeColumnStart(writer, encoder, 0, version)
  encoder.write(writer, event.value)
}

export function writeReturnStatus(writer: ByteWriter, value: number): void {
  writer.u8(TOKEN.returnStatus)
  writer.i32(value)
}

const SELECT_COMMAND = 0xc1

export function writeDone(
  writer: ByteWriter,
  token: typeof TOKEN.done | typeof TOKEN.doneProc | typeof TOKEN.doneInProc,
  done: { readonly status: number; readonly rows?: number | undefined; readonly hadColumns?: boolean },
  version: TdsVersion,
): void {
  writer.u8(token)
  writer.u16(done.status)
  writer.u16(done.hadColumns === true ? SELECT_COMMAND : 0)
  if (version < 72) writer.u32(done.rows ?? 0)
  else writer.u64(BigInt(done.rows ?? 0))
}

function withLength(writer: ByteWriter, token: number, write: () => void): void {
  writer.u8(token)
  const at = writer.length
  writer.u16(0)
  write()
  writer.patchU16(at, writer.length - at - 2)
}
