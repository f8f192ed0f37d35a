import type { TdsParameter } from '../backend.ts'
import type { ByteCursor } from './byte-cursor.ts'
import { readTypeInfo } from './decode-value.ts'
import { TdsProtocolError, type TdsVersion } from './protocol.ts'

export interface RpcCall {
  readonly name: string
  readonly parameters: readonly TdsParameter[]
}

/** [MS-TDS] 2.2.6.6: procedures that clients call by number. */
const WELL_KNOWN = [
  '',
  'sp_cursor',
  'sp_cursoropen',
  'sp_cursorprepare',
  'sp_cursorexecute',
  'sp_cursorprepexec',
  'sp_cursorunprepare',
  'sp_cursorfetch',
  'sp_cursoroption',
  'sp_cursorclose',
  'sp_executesql',
  'sp_prepare',
  'sp_execute',
  'sp_prepexec',
  'sp_prepexecrpc',
  'sp_unprepare',
]
const BY_NUMBER = 0xffff
const OUTPUT = 0x01

/** The calls of one RPC message, which may hold several. */
export function readRpc(cursor: ByteCursor, version: TdsVersion): readonly RpcCall[] {
  const separator = version < 72 ? 0x80 : 0xff
  const calls: RpcCall[] = []
  while (cursor.left > 0) {
    const units = cursor.u16()
    const name = units === BY_NUMBER ? wellKnown(cursor.u16()) : cursor.utf16(units)
    // Options: recompile, no metadata, reuse metadata.
    cursor.u16()
    const parameters: TdsParameter[] = []
    while (cursor.left > 0 && cursor.peek() !== separator) parameters.push(readParameter(cursor))
    if (cursor.left > 0) cursor.u8()
    calls.push({ name, parameters })
  }
  return calls
}

function readParameter(cursor: ByteCursor): TdsParameter {
  const name = cursor.shortText()
  const status = cursor.u8()
  const decoder = readTypeInfo(cursor)
  return {
    name,
    type: decoder.type,
    value: decoder.read(cursor, 'parameter'),
    output: (status & OUTPUT) !== 0,
  }
}

function wellKnown(number: number): string {
  const name = WELL_KNOWN[number]
  if (name === undefined || name === '') throw new TdsProtocolError(`there is no procedure number ${number}`)
  return name
}
