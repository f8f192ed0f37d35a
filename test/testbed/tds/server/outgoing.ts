import type { TdsColumn, TdsEvent, TdsType, TdsValue } from '../backend.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { collationOf } from './table-definition.ts'
import { familyOf } from './types.ts'
import { Variant } from './values.ts'

export function outgoing(session: SessionState, value: TdsValue, type: TdsType | undefined): TdsValue {
  if (value instanceof Variant) {
    // The wire tells a variant's type by its value: what it can't tell apart goes out as text.
    const family = familyOf(value.base)
    return family === 'exact' || family === 'temporal' || family === 'guid'
      ? String(value.inner)
      : value.inner
  }
  const limit = session.textSize
  if (
    type !== undefined &&
    limit > 0 &&
    limit < 2147483647 &&
    (type.length === -1 || ['text', 'ntext', 'image'].includes(type.name))
  ) {
    if (typeof value === 'string')
      return value.slice(0, type.name.startsWith('n') ? Math.floor(limit / 2) : limit)
    if (value instanceof Uint8Array) return value.slice(0, limit)
  }
  return value
}

export function wireColumn(
  session: SessionState,
  column: {
    name: string
    type: TdsType
    nullable: boolean
    identity?: boolean
    computed?: boolean
    collation?: string | null
  },
): TdsColumn {
  const text = familyOf(column.type) === 'text' && column.type.name !== 'xml'
  const collation = column.collation ?? collationOf(session.database)
  return {
    name: column.name,
    nullable: column.nullable,
    type: text ? { ...column.type, collation } : column.type,
    ...(column.identity ? { identity: true } : {}),
    ...(column.computed ? { computed: true } : {}),
  }
}

export function done(session: SessionState, rows?: number): TdsEvent {
  return rows === undefined || session.noCount ? { kind: 'done' } : { kind: 'done', rows }
}

export function asSqlError(thrown: unknown): SqlError {
  if (thrown instanceof SqlError) return thrown
  throw thrown
}

export function errorEvent(session: SessionState, error: SqlError, line: number | undefined): TdsEvent {
  session.lastError = error.number
  const at = error.line ?? line
  return {
    kind: 'error',
    number: error.number,
    severity: error.severity,
    state: 1,
    message: error.message,
    ...(error.procedure === undefined ? {} : { procedure: error.procedure }),
    ...(at === undefined ? {} : { line: at }),
  }
}
