import { unquoteName } from './quote.ts'
import type { Row, Session } from './server-access.ts'
import { isAtLeast, type ServerVersion } from './version.ts'

export interface Privileges {
  /** Held globally, or on the database where one is named. */
  has(privilege: string, database?: string): boolean
}

interface Grant {
  readonly privileges: ReadonlySet<string>
  /** `*` for all databases; otherwise a pattern in which `_` and `%` stand for letters, as in LIKE. */
  readonly database: string
  /** Partial revokes of MySQL 8 take something out of a global grant again. */
  readonly revoked: boolean
}

/** What the account may do. USER_PRIVILEGES shows no more than USAGE on managed MySQL, so SHOW GRANTS is read. */
export async function readPrivileges(session: Session, server: ServerVersion): Promise<Privileges> {
  let statement = 'SHOW GRANTS'
  if (server.flavour === 'MySQL' && isAtLeast(server.numbers, [8])) {
    const [row] = await session.query('SELECT CURRENT_ROLE() AS roles')
    const roles = String(row?.roles ?? 'NONE')
    if (roles !== 'NONE' && roles !== '') statement = `SHOW GRANTS FOR CURRENT_USER() USING ${roles}`
  }
  return parsePrivileges((await session.query(statement)).map(firstValue))
}

export function firstValue(row: Row): string {
  return String(Object.values(row)[0])
}

const GRANT =
  /^(GRANT|REVOKE) (.+?) ON (?:TABLE )?(?:(\*)|`((?:[^`]|``)*)`|([^`.\s]+))\.(\*|`(?:[^`]|``)*`|\S+) (?:TO|FROM) /

export function parsePrivileges(lines: readonly string[]): Privileges {
  const grants: Grant[] = []
  for (const line of lines) {
    const match = GRANT.exec(line)
    if (match === null) continue
    // On single tables only: no help for a whole database, but for what is asked of mysql.proc.
    const table = match[6] ?? '*'
    const database = match[3] ?? unquoteName(match[4] ?? match[5] ?? '')
    const scope = table === '*' ? database : `${database}\0${unquoteName(table.replace(/^`|`$/g, ''))}`
    grants.push({
      privileges: new Set(
        (match[2] ?? '')
          .replace(/\([^)]*\)/g, '')
          .toUpperCase()
          .split(/\s*,\s*/),
      ),
      database: scope,
      revoked: match[1] === 'REVOKE',
    })
  }
  const holds = (grant: Grant, privilege: string) =>
    grant.privileges.has(privilege) || grant.privileges.has('ALL PRIVILEGES') || grant.privileges.has('ALL')
  return {
    has(privilege, database) {
      const applies = (grant: Grant) =>
        holds(grant, privilege) &&
        (grant.database === '*' || (database !== undefined && matches(grant.database, database)))
      const revoked = (grant: Grant) =>
        grant.revoked && database !== undefined && matches(grant.database, database)
      return (
        grants.some((grant) => !grant.revoked && applies(grant)) &&
        !grants.some((grant) => revoked(grant) && holds(grant, privilege))
      )
    },
  }
}

function matches(pattern: string, database: string): boolean {
  if (pattern === database) return true
  const source = pattern.replace(/\\([_%])|([_%])|([.*+?^${}()|[\]\\])/g, (_all, escaped, wild, special) =>
    escaped !== undefined ? escaped : wild === '_' ? '.' : wild === '%' ? '.*' : `\\${special}`,
  )
  return new RegExp(`^${source}$`, 's').test(database)
}
