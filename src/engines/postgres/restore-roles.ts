import { isProviderRole, type ServerFacts } from './catalog.ts'
import type { Connection } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { quoteIdentifier } from './quote.ts'
import type { RestoreLog } from './restore-log.ts'

/**
 * A role of the provider that objects are granted to must be there, or loading stops at its first GRANT. Where the
 * target is no RDS it is made empty: nobody can log in with it, and it can do nothing.
 */
export async function makePlaceholders(
  databases: readonly DatabaseFacts[],
  connection: Connection,
  log: RestoreLog,
): Promise<void> {
  const existing = await roleNames(connection)
  for (const role of new Set(databases.flatMap(({ roles, owners }) => [...roles, ...owners]))) {
    if (existing.has(role) || !isProviderRole(role)) continue
    await connection.query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`)
    log.warnings.push(`role '${role}' of RDS was made empty, since objects are owned by it or granted to it`)
  }
}

/**
 * Who is no superuser can only give an object to a role that he is a member of, and can only count its rows then. So he
 * becomes one, for good, and is told how to undo it.
 */
export async function joinOwners(
  databases: readonly DatabaseFacts[],
  target: ServerFacts,
  connection: Connection,
  log: RestoreLog,
): Promise<void> {
  if (target.superuser) return
  // Nobody but a superuser becomes a member of one: where that is needed, the tool says so at its statement.
  const existing = await roleNames(connection, 'NOT rolsuper')
  const joined: string[] = []
  for (const role of new Set(databases.flatMap(({ owners }) => owners))) {
    if (!existing.has(role)) continue
    const [row] = await connection.query<{ member: boolean }>(
      target.major >= 16
        ? `SELECT pg_has_role($1, 'USAGE') AND pg_has_role($1, 'SET') AS member`
        : `SELECT pg_has_role($1, 'USAGE') AS member`,
      [role],
    )
    if (row?.member === true) continue
    const how = target.major >= 16 ? ' WITH INHERIT TRUE, SET TRUE' : ''
    await connection.query(`GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(target.user)}${how}`)
    joined.push(role)
  }
  if (joined.length === 0) return
  const list = joined.map(quoteIdentifier).join(', ')
  log.warnings.push(
    `'${target.user}' became a member of the owners of what was restored; to undo it: REVOKE ${list} FROM ${quoteIdentifier(target.user)}`,
  )
}

async function roleNames(connection: Connection, condition = 'true'): Promise<ReadonlySet<string>> {
  const rows = await connection.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles WHERE ${condition}`,
  )
  return new Set(rows.map(({ name }) => name))
}
