import type { Session } from './session.ts'

export interface ServerFacts {
  /** `Microsoft SQL Server`, or what else speaks its protocol. */
  readonly flavour: string
  readonly version: string
  readonly edition: string
  readonly rds: boolean
  /** The login as the server knows it. */
  readonly login: string
  readonly collation: string | undefined
}

export const SERVER_FACTS_TEXT = `SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version,
  CAST(SERVERPROPERTY('Edition') AS nvarchar(128)) AS edition,
  CAST(SERVERPROPERTY('Collation') AS nvarchar(128)) AS collation_name,
  CAST(@@VERSION AS nvarchar(4000)) AS banner,
  CAST(SUSER_SNAME() AS nvarchar(128)) AS login,
  DB_ID(N'rdsadmin') AS rdsadmin`

export async function readServerFacts(session: Session, signal: AbortSignal): Promise<ServerFacts> {
  const [row = {}] = await session.query(SERVER_FACTS_TEXT, signal)
  const text = (name: string) => (typeof row[name] === 'string' ? row[name] : undefined)
  return {
    flavour: flavourOf(text('banner') ?? ''),
    version: text('version') ?? 'unknown',
    edition: text('edition') ?? 'unknown',
    rds: (row.rdsadmin ?? null) !== null,
    login: text('login') ?? 'unknown',
    collation: text('collation_name'),
  }
}

/** `Microsoft SQL Server 2022 (RTM) - 16.0…`, `Microsoft SQL Azure (RTM) - …`, `Babelfish for PostgreSQL with …`. */
function flavourOf(banner: string): string {
  if (banner.startsWith('Babelfish')) return 'Babelfish for PostgreSQL'
  if (/^Microsoft SQL Azure/.test(banner)) return 'Azure SQL'
  return 'Microsoft SQL Server'
}

export function isBabelfish({ flavour }: { readonly flavour: string }): boolean {
  return flavour.startsWith('Babelfish')
}
