import type { ByteCursor } from './byte-cursor.ts'
import { TdsProtocolError } from './protocol.ts'

export interface TransactionRequest {
  readonly request: 'begin' | 'commit' | 'rollback' | 'save'
  readonly isolation?: string
  readonly name?: string
}

const ISOLATIONS = [
  undefined,
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
  'snapshot',
] as const

/** [MS-TDS] 2.2.6.9, the requests that drivers send. */
export function readTransactionRequest(cursor: ByteCursor): TransactionRequest {
  const type = cursor.u16()
  switch (type) {
    case 5: {
      const isolation = ISOLATIONS[cursor.u8()]
      return { request: 'begin', ...(isolation === undefined ? {} : { isolation }), ...readName(cursor) }
    }
    case 7:
    case 8: {
      const name = readName(cursor)
      if (cursor.left > 0 && (cursor.u8() & 1) !== 0) {
        throw new TdsProtocolError('a transaction that begins as another ends is not known here')
      }
      return { request: type === 7 ? 'commit' : 'rollback', ...name }
    }
    case 9:
      return { request: 'save', ...readName(cursor) }
    default:
      throw new TdsProtocolError(`there is no transaction request ${type}`)
  }
}

function readName(cursor: ByteCursor): { readonly name?: string } {
  const bytes = cursor.u8()
  const name = cursor.utf16(bytes / 2)
  return name === '' ? {} : { name }
}
