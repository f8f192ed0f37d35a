/** Bytes as TDS writes them, little-endian unless the name says otherwise, in a buffer that grows. */
export interface ByteWriter {
  readonly length: number
  u8(value: number): void
  u16(value: number): void
  u32(value: number): void
  i16(value: number): void
  i32(value: number): void
  u64(value: bigint): void
  i64(value: bigint): void
  f32(value: number): void
  f64(value: number): void
  /** The lowest `count` bytes of a number that fits. */
  uint(value: bigint, count: number): void
  bytes(value: Uint8Array): void
  /** UTF-16LE without a length. */
  utf16(text: string): void
  /** Its length in units in one byte, then UTF-16LE. */
  shortText(text: string): void
  /** Its length in units in two bytes, then UTF-16LE. */
  longText(text: string): void
  /** Forgets what was written after that length. */
  cut(length: number): void
  /** Writes what was left out at `offset`. */
  patchU16(offset: number, value: number): void
  /** A copy of everything, and begins anew. */
  take(): Buffer
}

export function createByteWriter(firstBytes = 1024): ByteWriter {
  let buffer = Buffer.allocUnsafe(firstBytes)
  let length = 0

  /** The offset of `bytes` new bytes. */
  function room(bytes: number): number {
    const offset = length
    length += bytes
    if (length > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, buffer.length * 2))
      buffer.copy(larger, 0, 0, offset)
      buffer = larger
    }
    return offset
  }
  // `buffer` may be another one after `room`, so it is looked up after it.
  const writer: ByteWriter = {
    get length() {
      return length
    },
    u8(value) {
      const offset = room(1)
      buffer.writeUInt8(value, offset)
    },
    u16(value) {
      const offset = room(2)
      buffer.writeUInt16LE(value, offset)
    },
    u32(value) {
      const offset = room(4)
      buffer.writeUInt32LE(value, offset)
    },
    i16(value) {
      const offset = room(2)
      buffer.writeInt16LE(value, offset)
    },
    i32(value) {
      const offset = room(4)
      buffer.writeInt32LE(value, offset)
    },
    u64(value) {
      const offset = room(8)
      buffer.writeBigUInt64LE(value, offset)
    },
    i64(value) {
      const offset = room(8)
      buffer.writeBigInt64LE(value, offset)
    },
    f32(value) {
      const offset = room(4)
      buffer.writeFloatLE(value, offset)
    },
    f64(value) {
      const offset = room(8)
      buffer.writeDoubleLE(value, offset)
    },
    uint(value, count) {
      let rest = value
      const offset = room(count)
      for (let index = 0; index < count; index += 1) {
        buffer[offset + index] = Number(rest & 0xffn)
        rest >>= 8n
      }
      if (rest !== 0n) throw new RangeError(`${value} does not fit into ${count} bytes`)
    },
    bytes(value) {
      const offset = room(value.length)
      buffer.set(value, offset)
    },
    utf16(text) {
      const offset = room(text.length * 2)
      buffer.write(text, offset, 'utf16le')
    },
    shortText(text) {
      writer.u8(text.length)
      writer.utf16(text)
    },
    longText(text) {
      writer.u16(text.length)
      writer.utf16(text)
    },
    cut(to) {
      length = to
    },
    patchU16(offset, value) {
      buffer.writeUInt16LE(value, offset)
    },
    take() {
      const taken = Buffer.from(buffer.subarray(0, length))
      length = 0
      return taken
    },
  }
  return writer
}
