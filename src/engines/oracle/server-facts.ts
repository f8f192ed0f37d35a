import type { ServerIdentity } from '../../core/manifest.ts'
import type { OracleConnection, OracleRow } from './connection.ts'
import {
  READ_CHARACTER_SETS,
  READ_DATABASE,
  READ_PRIVILEGES,
  READ_ROLES,
  READ_SESSION,
  READ_USERS,
  READ_VERSION,
} from './dictionary-statements.ts'
import { oraOf } from './failures.ts'
import { makeIdentity } from './identity.ts'

export interface ServerFacts {
  readonly version: string
  readonly major: number
  readonly product: string
  /** Only there may a job have more than one worker. */
  readonly enterprise: boolean
  readonly rds: boolean
  readonly user: string
  readonly container: string
  /** `READ WRITE`; undefined where v$database is closed to the account. */
  readonly openMode: string | undefined
  readonly characterSet: string
  readonly nationalCharacterSet: string
  readonly privileges: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  /** Users that are not Oracle's, nor RDS's. */
  readonly users: readonly string[]
  readonly identity: ServerIdentity
}

/** Users of RDS that Oracle does not count as its own. */
const PROVIDERS = /^(RDSADMIN|RDSSEC|RDS_DATAGUARD|RDS\$.*)$/

export async function readServerFacts(
  connection: OracleConnection,
  signal: AbortSignal,
): Promise<ServerFacts> {
  const read = (sql: string) => connection.query(sql, {}, signal)
  const [version] = await read(READ_VERSION)
  const [session = {}] = await read(READ_SESSION)
  const sets = new Map((await read(READ_CHARACTER_SETS)).map((row) => [text(row.parameter), text(row.value)]))
  const users = await read(READ_USERS)
  const database = (await queryIfAllowed(connection, READ_DATABASE, signal))?.[0]
  const number = text(version?.version)
  const product = text(version?.product).trim()
  const names = users.map((row) => text(row.name))
  return {
    version: number,
    major: Number.parseInt(number, 10),
    product,
    enterprise: /Enterprise/i.test(product),
    rds: names.includes('RDSADMIN'),
    user: text(session.user),
    container: text(session.container),
    openMode: database === undefined ? undefined : text(database.openMode),
    characterSet: sets.get('NLS_CHARACTERSET') ?? '',
    nationalCharacterSet: sets.get('NLS_NCHAR_CHARACTERSET') ?? '',
    privileges: new Set((await read(READ_PRIVILEGES)).map((row) => text(row.privilege))),
    roles: new Set((await read(READ_ROLES)).map((row) => text(row.role))),
    users: users
      .filter((row) => row.maintained === 'N' && !isProviders(text(row.name)))
      .map((row) => text(row.name)),
    identity: makeIdentity(session, database),
  }
}

export function isProviders(name: string): boolean {
  return PROVIDERS.test(name)
}

/** Undefined where the account may not see it: a view of v$ or dba_ is then "not there". */
export async function queryIfAllowed(
  connection: OracleConnection,
  sql: string,
  signal: AbortSignal,
  binds: Readonly<Record<string, string>> = {},
): Promise<readonly OracleRow[] | undefined> {
  try {
    return await connection.query(sql, binds, signal)
  } catch (thrown) {
    const ora = oraOf(thrown)
    if (ora === 942 || ora === 1031 || ora === 41900) return undefined
    throw thrown
  }
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : value == null ? '' : String(value)
}
