import type { Finding } from '../../core/finding.ts'
import { type DatabaseEntry, listRelations, type Relation, type ServerFacts } from './catalog.ts'
import { type Connection, connect } from './connection.ts'
import type { ProbeSetting } from './probe.ts'
import { quoteIdentifier } from './quote.ts'
import { createSemaphore } from './semaphore.ts'

const SESSIONS = 4
const NAMES_SHOWN = 5

/** pg_dump dies at the first table it may not read, perhaps hours in: all of them are found beforehand. */
export async function lookIntoDatabases(
  { server, options }: ProbeSetting,
  databases: readonly DatabaseEntry[],
  facts: ServerFacts,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const limited = createSemaphore(SESSIONS)
  const found = await Promise.all(
    databases.map(({ name }) =>
      limited(async () => {
        await using connection = await connect(server, name, signal)
        if (options.role !== undefined) await connection.query(`SET ROLE ${quoteIdentifier(options.role)}`)
        const relations = await listRelations(connection)
        return [
          ...judgeRelations(name, relations, facts),
          ...(await judgeLargeObjects(name, connection, options.role ?? facts.user)),
        ]
      }),
    ),
  )
  const findings = found.flat()
  return findings.some(({ level }) => level === 'failure')
    ? findings
    : [{ level: 'ok', topic: 'privileges', message: `'${facts.user}' may read all of it` }, ...findings]
}

function judgeRelations(
  database: string,
  relations: readonly Relation[],
  facts: ServerFacts,
): readonly Finding[] {
  const findings: Finding[] = []
  const unreadable = relations.filter(({ readable, kind }) => !readable && kind !== 'm')
  if (unreadable.length > 0) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `${unreadable.length} tables or sequences of database '${database}' may not be read: ${listed(unreadable)}`,
      hint: `As their owner run GRANT pg_read_all_data TO ${quoteIdentifier(facts.user)} (14 and later), or GRANT USAGE on the schemas and SELECT on all tables and sequences.`,
    })
  }
  const hidden = relations.filter(({ rowSecurity }) => rowSecurity)
  if (hidden.length > 0) {
    findings.push({
      level: 'failure',
      topic: 'row security',
      message: `policies hide rows of ${hidden.length} tables of database '${database}' from '${facts.user}', and pg_dump refuses them: ${listed(hidden)}`,
      hint: 'Dump as a superuser, as the owner of the tables, or as a role with BYPASSRLS.',
    })
  }
  const foreign = relations.filter(({ kind }) => kind === 'f')
  if (foreign.length > 0) {
    findings.push({
      level: 'warning',
      topic: 'not captured',
      message: `rows of ${foreign.length} foreign tables of database '${database}': they live elsewhere`,
    })
  }
  const lost = relations.filter(({ unlogged, kind }) => unlogged && kind === 'r')
  if (lost.length > 0 && facts.inRecovery) {
    findings.push({
      level: 'warning',
      topic: 'not captured',
      message: `rows of ${lost.length} unlogged tables of database '${database}': a standby does not have them`,
      hint: 'Dump the primary where they matter.',
    })
  }
  return findings
}

/** Reading a large object needs a grant of its own: not even pg_read_all_data gives it. */
async function judgeLargeObjects(
  database: string,
  connection: Connection,
  user: string,
): Promise<readonly Finding[]> {
  const [row] = await connection.query<{ unreadable: string }>(
    `SELECT count(*) AS unreadable FROM pg_largeobject_metadata
     WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT pg_has_role(lomowner, 'USAGE')
       AND NOT EXISTS (SELECT FROM aclexplode(lomacl) WHERE privilege_type = 'SELECT'
         AND (grantee = 0 OR pg_has_role(grantee, 'USAGE')))`,
  )
  const unreadable = Number(row?.unreadable ?? 0)
  if (unreadable === 0) return []
  return [
    {
      level: 'failure',
      topic: 'privileges',
      message: `${unreadable} large objects of database '${database}' may not be read`,
      hint: `As an administrator run GRANT SELECT ON LARGE OBJECT … TO ${quoteIdentifier(user)}, or make the user a member of their owners.`,
    },
  ]
}

function listed(relations: readonly Relation[]): string {
  const names = relations.slice(0, NAMES_SHOWN).map(({ schema, name }) => `'${schema}.${name}'`)
  const more = relations.length - names.length
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ')
}
