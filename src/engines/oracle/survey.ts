import { LifeboatError } from '../../core/errors.ts'
import type { NotCaptured } from '../../core/manifest.ts'
import type { OracleConnection } from './connection.ts'
import {
  READ_EXTERNAL_TABLES,
  READ_INDEX_TABLESPACES,
  READ_OBJECT_OWNERS,
  READ_SEGMENTS,
  READ_TABLES,
  READ_USER_TABLESPACES,
} from './dictionary-statements.ts'
import { queryIfAllowed, type ServerFacts, text } from './server-facts.ts'
import type { OracleOptions, TableName } from './url-options.ts'

/** What a dump is going to take. */
export interface Survey {
  readonly mode: 'SCHEMA' | 'TABLE'
  readonly schemas: readonly { readonly name: string; readonly estimateBytes: number }[]
  readonly tables: readonly TableName[]
  readonly estimateBytes: number
  /** Whether segments were added up; otherwise the statistics of the optimizer, which may be old or missing. */
  readonly estimateFrom: 'segments' | 'statistics'
  readonly tablespaces: readonly string[]
  readonly notCaptured: readonly NotCaptured[]
  /** Asked for by name, and not there. */
  readonly missing: readonly string[]
}

/** Made with every pluggable database, and of no use to anybody else. */
const EMPTY_BY_DEFAULT = 'PDBADMIN'

export async function survey(
  connection: OracleConnection,
  facts: ServerFacts,
  options: OracleOptions,
  signal: AbortSignal,
): Promise<Survey> {
  const owners = new Set(
    (await connection.query(READ_OBJECT_OWNERS, {}, signal)).map((row) => text(row.owner)),
  )
  const asked = options.tables?.map(({ schema }) => schema) ?? options.schemas
  const names = new Set(facts.users.filter((name) => asked?.includes(name) ?? isTaken(name, owners)))
  const listed = (await connection.query(READ_TABLES, {}, signal))
    .map((row) => ({ schema: text(row.owner), table: text(row.name), bytes: Number(row.estimateBytes) }))
    .filter(({ schema }) => names.has(schema))
  const chosen = options.tables
  const tables =
    chosen === undefined ? listed : listed.filter((each) => chosen.some((wanted) => isSame(wanted, each)))
  const missing =
    chosen === undefined
      ? (options.schemas ?? []).filter((name) => !names.has(name))
      : chosen.filter((wanted) => !tables.some((each) => isSame(wanted, each))).map(fullName)
  const bySegments = chosen === undefined ? await readSegments(connection, signal) : undefined
  const schemas = [...names].map((name) => ({
    name,
    estimateBytes:
      bySegments?.get(name) ??
      tables.filter(({ schema }) => schema === name).reduce((sum, { bytes }) => sum + bytes, 0),
  }))
  return {
    mode: chosen === undefined ? 'SCHEMA' : 'TABLE',
    schemas,
    tables: tables.map(({ schema, table }) => ({ schema, table })),
    estimateBytes: schemas.reduce((sum, { estimateBytes }) => sum + estimateBytes, 0),
    estimateFrom: bySegments === undefined ? 'statistics' : 'segments',
    tablespaces: await readTablespaces(connection, names, signal),
    notCaptured: await readNotCaptured(connection, chosen !== undefined, signal),
    missing,
  }
}

/** Unless it was asked for by name. */
export function isTaken(name: string, owners: ReadonlySet<string>): boolean {
  return owners.has(name) || name !== EMPTY_BY_DEFAULT
}

export function refuseNothing({ schemas, missing }: Survey): void {
  if (schemas.length > 0 && missing.length === 0) return
  throw new LifeboatError(
    'usage',
    missing.length > 0
      ? `unable to dump ${missing.map((name) => `'${name}'`).join(', ')}: there is no such schema or table, or this account may not see it`
      : 'unable to dump: there is no schema that is not of Oracle itself',
    { hint: 'Check schemas= or tables= in the URL, and that its path names the right service.' },
  )
}

function isSame(one: TableName, other: TableName): boolean {
  return one.schema === other.schema && one.table === other.table
}

export function fullName({ schema, table }: TableName): string {
  return `${schema}.${table}`
}

async function readSegments(
  connection: OracleConnection,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number> | undefined> {
  const rows = await queryIfAllowed(connection, READ_SEGMENTS, signal)
  if (rows === undefined) return undefined
  const bytes = new Map<string, number>()
  for (const row of rows) bytes.set(text(row.owner), (bytes.get(text(row.owner)) ?? 0) + Number(row.bytes))
  return bytes
}

async function readTablespaces(
  connection: OracleConnection,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const used = new Set<string>()
  for (const sql of [READ_INDEX_TABLESPACES, READ_USER_TABLESPACES]) {
    for (const row of (await queryIfAllowed(connection, sql, signal)) ?? []) {
      if (names.has(text(row.owner))) used.add(text(row.tablespace))
    }
  }
  return [...used].sort()
}

async function readNotCaptured(
  connection: OracleConnection,
  tablesOnly: boolean,
  signal: AbortSignal,
): Promise<readonly NotCaptured[]> {
  const [external] = await connection.query(READ_EXTERNAL_TABLES, {}, signal)
  const count = Number(external?.tables ?? 0)
  return [
    {
      what: tablesOnly
        ? 'everything but the tables that were asked for, their indexes, constraints, triggers and grants'
        : 'roles, profiles, directories, public synonyms, tablespaces and settings of the database',
      reason: tablesOnly ? 'the URL limits the run' : 'they lie outside of schemas',
    },
    ...(count > 0
      ? [{ what: 'rows of external tables', count, reason: 'they lie in files outside of the database' }]
      : []),
  ]
}
