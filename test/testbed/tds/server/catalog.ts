import type { TdsType, TdsValue } from '../backend.ts'
import { CONSTRAINT_VIEWS } from './catalog-constraints.ts'
import { EMPTY_VIEWS } from './catalog-empty.ts'
import { INDEX_VIEWS } from './catalog-indexes.ts'
import { LOGIN_VIEWS } from './catalog-logins.ts'
import { OBJECT_VIEWS } from './catalog-objects.ts'
import { SECURITY_VIEWS } from './catalog-security.ts'
import { SERVER_VIEWS } from './catalog-server.ts'
import { TABLE_VIEWS } from './catalog-tables.ts'
import { TYPE_VIEWS } from './catalog-types.ts'
import type { Database, SqlObject } from './model.ts'
import { canSee } from './permissions.ts'
import type { Plan, ScopeColumn } from './scope.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { baseTypeName, makeType } from './types.ts'

export type CatalogRow = Readonly<Record<string, TdsValue>>

export interface CatalogContext {
  readonly session: SessionState
  readonly database: Database
  /** What the caller may know of, oldest first. */
  readonly objects: readonly SqlObject[]
}

export interface CatalogView {
  /** `name:type`, nullable with a `?` at the end, as in the real server. */
  readonly columns: string
  rows(context: CatalogContext): Iterable<CatalogRow>
}

const VIEWS: Readonly<Record<string, CatalogView>> = {
  ...SERVER_VIEWS,
  ...LOGIN_VIEWS,
  ...OBJECT_VIEWS,
  ...TABLE_VIEWS,
  ...CONSTRAINT_VIEWS,
  ...INDEX_VIEWS,
  ...TYPE_VIEWS,
  ...SECURITY_VIEWS,
  ...EMPTY_VIEWS,
}

export const CATALOG_VIEW_NAMES = Object.keys(VIEWS)

const parsed = new Map<string, readonly ScopeColumn[]>()

function columnsOf(name: string, view: CatalogView): readonly ScopeColumn[] {
  const known = parsed.get(name)
  if (known !== undefined) return known
  const columns = view.columns
    .trim()
    .split(/\s+/)
    .map((spec): ScopeColumn => {
      const [columnName = '', type = ''] = spec.split(':')
      return {
        name: columnName,
        type: parseSpec(type.replace('?', '')),
        nullable: type.endsWith('?'),
        collation: null,
      }
    })
  parsed.set(name, columns)
  return columns
}

function parseSpec(spec: string): TdsType {
  const match = /^(\w+)(?:\((\w+)\))?$/.exec(spec)
  const base = match === null ? undefined : baseTypeName(match[1] ?? '')
  if (match === null || base === undefined) throw new Error(`no such type: ${spec}`)
  return makeType(base, match[2] === undefined ? [] : [match[2] === 'max' ? 'max' : Number(match[2])])
}

export function catalogView(session: SessionState, database: Database, name: string, written: string): Plan {
  const view = VIEWS[name]
  const { faults } = session.server
  if (view === undefined || faults.hiddenViews.has(name))
    throw new SqlError(faults.missingView.number, faults.missingView.message(written), { endsBatch: true })
  const all = columnsOf(name, view)
  const columns = all.filter((column) => !faults.hiddenColumns.has(`${name}.${column.name}`))
  return {
    columns,
    *rows() {
      const objects = [...database.objects.values()]
        .filter((object) => canSee(session, database, object))
        .sort((a, b) => a.id - b.id)
      for (const row of view.rows({ session, database, objects }))
        yield columns.map((column) => {
          const value = row[column.name]
          if (value === undefined) throw new Error(`${name} gives no ${column.name}`)
          return value
        })
    },
  }
}
