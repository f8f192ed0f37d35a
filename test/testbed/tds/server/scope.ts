import type { TdsType, TdsValue } from '../backend.ts'
import type { Query } from './ast.ts'
import type { SessionState } from './state.ts'

export interface Env {
  readonly row: readonly TdsValue[]
  readonly outer: Env | undefined
  /** Rows of the group, where the query has aggregates. */
  readonly group?: readonly Env[]
  /** Values of window functions for this row. */
  readonly windows?: TdsValue[]
}

export interface ScopeColumn {
  readonly name: string
  readonly type: TdsType
  readonly nullable: boolean
  readonly collation?: string | null
  readonly identity?: boolean
  readonly computed?: boolean
  readonly hidden?: boolean
}

export interface ScopeSource {
  /** Alias, or the last part of the table's name. */
  readonly name: string
  readonly columns: readonly ScopeColumn[]
  readonly offset: number
}

export interface Scope {
  readonly sources: readonly ScopeSource[]
  readonly parent: Scope | undefined
}

export interface Compiled {
  readonly type: TdsType
  readonly nullable: boolean
  readonly collation?: string | null | undefined
  readonly isNull?: boolean
  readonly identity?: boolean
  readonly computed?: boolean
  eval(env: Env): TdsValue
}

export interface Plan {
  readonly columns: readonly ScopeColumn[]
  rows(outer: Env | undefined): Iterable<TdsValue[]>
}

export interface WindowSlot {
  readonly name: string
  readonly args: readonly Compiled[]
  readonly star: boolean
  readonly partition: readonly Compiled[]
  readonly order: readonly { readonly by: Compiled; readonly descending: boolean }[]
}

export interface Binder {
  readonly session: SessionState
  readonly scope: Scope | undefined
  /** Inside an aggregated query: aggregates are allowed. */
  readonly aggregates: boolean
  readonly windows?: WindowSlot[]
  /** Inside a view or a module: its owner's rights, not the caller's. */
  readonly trusted: boolean
  compileQuery(query: Query, binder: Binder): Plan
}
