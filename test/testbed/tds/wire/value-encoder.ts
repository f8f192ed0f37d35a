import type { TdsValue } from '../backend.ts'
import type { ByteWriter } from './byte-writer.ts'

/** How a column (or a return value) of one type goes out to a client of one version. */
export interface ValueEncoder {
  readonly userType: number
  /** text, ntext and image: their metadata also names a table. */
  readonly isOldLarge: boolean
  writeInfo(writer: ByteWriter): void
  /** Null as the type says null. */
  write(writer: ByteWriter, value: TdsValue): void
}

export const plain = { userType: 0, isOldLarge: false }

interface TypesByName {
  string: string
  number: number
  bigint: bigint
  boolean: boolean
}

export function expect<Name extends keyof TypesByName>(
  value: TdsValue,
  kind: Name,
  type: string,
): TypesByName[Name] {
  if (typeof value === kind) return value as TypesByName[Name]
  throw new TypeError(`a value of type ${type} must be a ${kind}, and this is ${typeof value} '${value}'`)
}

export function expectBytes(value: TdsValue, type: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError(`a value of type ${type} must be bytes, and this is ${typeof value} '${value}'`)
}

/** Types whose values begin with their length in one byte; 0 is null. */
export function sized(
  writeInfo: (writer: ByteWriter) => void,
  write: (writer: ByteWriter, value: TdsValue) => void,
): ValueEncoder {
  return {
    ...plain,
    writeInfo,
    write(writer, value) {
      if (value === null) writer.u8(0)
      else write(writer, value)
    },
  }
}
