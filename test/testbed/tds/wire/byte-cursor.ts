/** Thrown when reading past the bytes that are there: `bytes` are needed in all. */
export class NeedMoreBytes extends Error {
  readonly bytes: number
  constructor(bytes: number) {
    super(`the message ends before byte ${bytes}`)
    this.bytes = bytes
  }
}

/** Reads what `ByteWriter` writes. Returned bytes are views. */
export interface ByteCursor {
  offset: number
  readonly left: number
  peek(): number
  u8(): number
  u16(): number
  u32(): number
  i16(): number
  i32(): number
  u64(): bigint
  i64(): bigint
  f32(): number
  f64(): number
  uint(count: number): bigint
  bytes(count: number): Buffer
  utf16(units: number): string
  shortText(): string
  longText(): string
}

export function createByteCursor(buffer: Buffer): ByteCursor {
  let offset = 0

  function take(bytes: number): number {
    const at = offset
    if (at + bytes > buffer.length) throw new NeedMoreBytes(at + bytes)
    offset = at + bytes
    return at
  }
  const cursor: ByteCursor = {
    get offset() {
      return offset
    },
    set offset(value) {
      offset = value
    },
    get left() {
      return buffer.length - offset
    },
    peek() {
      const at = take(1)
      offset = at
      return buffer.readUInt8(at)
    },
    u8: () => buffer.readUInt8(take(1)),
    u16: () => buffer.readUInt16LE(take(2)),
    u32: () => buffer.readUInt32LE(take(4)),
    i16: () => buffer.readInt16LE(take(2)),
    i32: () => buffer.readInt32LE(take(4)),
    u64: () => buffer.readBigUInt64LE(take(8)),
    i64: () => buffer.readBigInt64LE(take(8)),
    f32: () => buffer.readFloatLE(take(4)),
    f64: () => buffer.readDoubleLE(take(8)),
    uint(count) {
      const at = take(count)
      let value = 0n
      for (let index = count - 1; index >= 0; index -= 1)
        value = (value << 8n) | BigInt(buffer.readUInt8(at + index))
      return value
    },
    bytes(count) {
      const at = take(count)
      return buffer.subarray(at, at + count)
    },
    utf16: (units) => cursor.bytes(units * 2).toString('utf16le'),
    shortText: () => cursor.utf16(cursor.u8()),
    longText: () => cursor.utf16(cursor.u16()),
  }
  return cursor
}
