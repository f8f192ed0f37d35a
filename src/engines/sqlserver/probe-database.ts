import type { Finding } from '../../core/finding.ts'
import type { Catalog } from './catalog/model.ts'
import { quoteName } from './catalog/quote.ts'
import { readCatalog } from './catalog/read-catalog.ts'
import type { DatabaseFacts } from './databases.ts'
import { sqlNumberOf } from './failures.ts'
import type { SqlServerOptions } from './options.ts'
import { dataColumns } from './rows/select-text.ts'
import { findStoredForm } from './rows/stored-form.ts'
import type { Session, SessionSource, SqlRow } from './session.ts'

export interface DatabaseLook {
  readonly findings: readonly Finding[]
  readonly estimateBytes: number | undefined
}

const permission = (name: string, as: string) =>
  `HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'${name}') AS ${as}`

/** NULL where the server does not know the permission. */
export const PERMISSIONS_TEXT = `SELECT ${[
  permission('VIEW DEFINITION', 'may_see'),
  permission('SELECT', 'may_read'),
  permission('UNMASK', 'may_unmask'),
].join(', ')}`

/** As the manifest has them. */
export const UNREAD_KINDS = 'kinds of objects whose catalog views the server lacks'
export const FILTERED_ROWS = 'rows that row-level security may hide from the login'

export async function lookIntoDatabase(
  sessions: SessionSource,
  database: DatabaseFacts,
  options: SqlServerOptions,
  signal: AbortSignal,
): Promise<DatabaseLook> {
  await using session = await sessions.open(database.name, signal)
  const catalog = await readCatalog(session, signal)
  const permissions = await readPermissions(session, signal)
  const sizes = catalog.tables.flatMap(({ bytesEstimate }) => bytesEstimate ?? [])
  return {
    findings: [
      ...lookAtPermissions(database.name, catalog, permissions),
      ...lookAtSnapshot(database, options),
      ...lookAtTypes(database.name, catalog),
      ...catalog.warnings.map((message) => ({
        level: 'warning' as const,
        topic: 'catalog',
        message: `database '${database.name}': ${message}`,
        notCaptured: UNREAD_KINDS,
      })),
      ...catalog.notCaptured.map(({ what, count, reason }) => ({
        level: 'warning' as const,
        topic: 'not captured',
        message: `database '${database.name}': ${what} (${count}): ${reason}`,
        notCaptured: what,
      })),
    ],
    estimateBytes: sizes.length === 0 ? undefined : sizes.reduce((sum, bytes) => sum + bytes, 0),
  }
}

async function readPermissions(session: Session, signal: AbortSignal): Promise<SqlRow | undefined> {
  try {
    const [row] = await session.query(PERMISSIONS_TEXT, signal)
    return row
  } catch (thrown) {
    if (sqlNumberOf(thrown) === undefined) throw thrown
    return undefined
  }
}

function lookAtPermissions(
  name: string,
  catalog: Catalog,
  permissions: SqlRow | undefined,
): readonly Finding[] {
  const findings: Finding[] = []
  const lacks = (which: string) =>
    (permissions?.[which] ?? null) !== null && Number(permissions?.[which]) === 0
  if (permissions === undefined || (permissions.may_see ?? null) === null) {
    findings.push({
      level: 'warning',
      topic: 'privileges',
      message: `database '${name}': the server does not tell which permissions this login has`,
      hint: 'Make sure that it is a member of db_owner there: what a login may not see is missing from a dump.',
    })
  }
  if (lacks('may_see')) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `database '${name}': this login may not see all definitions, so objects would be missing`,
      hint: `Run USE ${quoteName(name)}; GRANT VIEW DEFINITION TO … for its user.`,
    })
  }
  if (lacks('may_read')) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `database '${name}': this login may not read all tables`,
      hint: `Run USE ${quoteName(name)}; ALTER ROLE db_datareader ADD MEMBER … for its user.`,
    })
  }
  const masked = catalog.tables.some(({ columns }) =>
    columns.some(({ maskedWith }) => maskedWith !== undefined),
  )
  if (masked && lacks('may_unmask')) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `database '${name}': this login reads masks instead of the data of masked columns`,
      hint: `Run USE ${quoteName(name)}; GRANT UNMASK TO … for its user.`,
    })
  }
  if (hidesRows(catalog)) {
    findings.push({
      level: 'warning',
      topic: 'privileges',
      message: `database '${name}': a security policy filters rows, perhaps also those that this login reads`,
      hint: 'Make sure that its predicate lets this login see all rows: nobody can tell from outside.',
      notCaptured: FILTERED_ROWS,
    })
  }
  return findings
}

/** Not even the owner of a database is exempt from a filter predicate. */
export function hidesRows({ securityPolicies }: Catalog): boolean {
  return securityPolicies.some(
    ({ enabled, predicates }) => enabled && predicates.some(({ kind }) => kind === 'FILTER'),
  )
}

function lookAtSnapshot(database: DatabaseFacts, { snapshot, tool }: SqlServerOptions): readonly Finding[] {
  const line = `ALTER DATABASE ${quoteName(database.name)} SET ALLOW_SNAPSHOT_ISOLATION ON`
  if (database.snapshotIsolation) {
    return [
      { level: 'ok', topic: 'snapshot', message: `database '${database.name}' allows snapshot isolation` },
    ]
  }
  if (snapshot === 'require') {
    return [
      {
        level: 'failure',
        topic: 'snapshot',
        message: `database '${database.name}' does not allow snapshot isolation, which snapshot=require asks for`,
        hint: `Run ${line}; it waits for open transactions to end, and row versions go to tempdb.`,
      },
    ]
  }
  if (snapshot === 'off' || tool === 'bcp' || tool === 'freebcp') return []
  return [
    {
      level: 'warning',
      topic: 'snapshot',
      message: `database '${database.name}' does not allow snapshot isolation: each table is read at its own time${
        database.readCommittedSnapshot ? '' : ', and rows that move while it is read may be missed or doubled'
      }`,
      hint: `Run ${line} for one consistent dump; it waits for open transactions to end, and row versions go to tempdb.`,
    },
  ]
}

function lookAtTypes(name: string, { tables }: Catalog): readonly Finding[] {
  return tables.flatMap((table) => {
    const strange = dataColumns(table).filter((column) => findStoredForm(column) === undefined)
    return strange.map(
      (column): Finding => ({
        level: 'failure',
        topic: 'types',
        message: `database '${name}': column '${column.name}' of table '${table.schema}.${table.name}' has the type '${column.type}', for which lifeboat knows no exact form`,
        hint: 'Dump this database with layout=native, or move the column to another table first.',
      }),
    )
  })
}
