import { createHash } from 'node:crypto'
import { OraError } from './ora-error.ts'

export const HEADER_BYTES = 4096

const MAGIC = 'SCRIPTED DATA PUMP'

export interface Piece {
  readonly set: string
  readonly number: number
  readonly of: number
  readonly payload: Buffer
}

export interface Unloaded {
  readonly version: string
  readonly schemas: readonly {
    readonly name: string
    readonly tablespace: string
    readonly account: boolean
    readonly tables: readonly {
      readonly name: string
      readonly tablespace: string
      readonly rows: readonly string[]
    }[]
  }[]
}

export function pieceName(template: string, number: number): string {
  return template.replace('%U', String(number).padStart(2, '0'))
}

export function header({ payload, ...facts }: Piece): Buffer {
  const buffer = Buffer.alloc(HEADER_BYTES)
  const sha256 = createHash('sha256').update(payload).digest('hex')
  buffer.write(JSON.stringify({ magic: MAGIC, ...facts, bytes: payload.length, sha256 }))
  return buffer
}

/** A header is written at the job's end: what was read before is no dump file. */
export function parsePiece(data: Buffer, name: string): Piece {
  const text = data.subarray(0, HEADER_BYTES).toString('utf8').replace(/\0+$/, '')
  const payload = data.subarray(HEADER_BYTES)
  const facts = text.startsWith('{') ? JSON.parse(text) : {}
  const sha256 = createHash('sha256').update(payload).digest('hex')
  if (facts.magic === MAGIC && facts.bytes === payload.length && facts.sha256 === sha256)
    return { ...facts, payload }
  throw new OraError(39000, `bad dump file specification\nORA-31619: invalid dump file "${name}"`)
}

/** 'A','O''B' */
export function literals(list: string | undefined): readonly string[] {
  if (list === undefined || !/^'(?:[^']|'')+'(?:,'(?:[^']|'')+')*$/.test(list)) {
    throw new OraError(39001, 'invalid argument value\nORA-00936: missing expression')
  }
  return [...list.matchAll(/'((?:[^']|'')+)'/g)].map((match) => (match[1] ?? '').replaceAll("''", "'"))
}
