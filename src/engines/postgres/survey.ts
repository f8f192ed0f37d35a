import type { NotCaptured } from '../../core/manifest.ts'
import {
  holdsUserObjects,
  listDatabases,
  readServerFacts,
  type Selection,
  type ServerFacts,
  selectDatabases,
} from './catalog.ts'
import { type Connection, connect, type Server } from './connection.ts'

/** What a dump is going to take and to leave. */
export interface Survey {
  readonly facts: ServerFacts
  readonly selection: Selection
  readonly notCaptured: readonly NotCaptured[]
  /** What of it is better told with names, and the kind that it is one of. */
  readonly named: readonly { readonly what: string; readonly message: string }[]
}

export async function survey(server: Server, maintenance: Connection, signal: AbortSignal): Promise<Survey> {
  const facts = await readServerFacts(maintenance)
  const selection = await selectDatabases(
    await listDatabases(maintenance),
    server.url.database,
    async (database) => {
      await using connection = await connect(server, database, signal)
      return await holdsUserObjects(connection)
    },
  )
  const slots = await countOf(maintenance, 'SELECT count(*) FROM pg_replication_slots WHERE NOT temporary')
  const subscriptions = await countOf(maintenance, 'SELECT count(DISTINCT subid) FROM pg_stat_subscription')
  const named = selection.left.map(({ name, reason }) => ({
    what: 'databases',
    message: `database '${name}' is not dumped: ${reason}`,
  }))
  if (selection.changedTemplate) {
    named.push({
      what: 'objects in template1',
      message:
        "template1 holds objects of its own; it is not dumped, so databases that are made at the target won't get them",
    })
  }
  const all: NotCaptured[] = [
    ...(facts.readsPasswords
      ? []
      : [
          {
            what: 'role passwords',
            reason: `denied by the server: pg_authid may not be read${facts.rds ? ' on RDS' : ''}`,
          },
        ]),
    { what: 'databases', count: selection.left.length, reason: 'they allow no connections' },
    {
      what: 'objects in template1',
      count: selection.changedTemplate ? 1 : 0,
      reason: 'it exists at every target',
    },
    { what: 'replication slots', count: slots, reason: 'they belong to the server, not to its data' },
    {
      what: 'subscriptions',
      count: facts.superuser ? 0 : subscriptions,
      reason: 'pg_dump leaves them out where the user is no superuser',
    },
  ]
  return { facts, selection, named, notCaptured: all.filter(({ count }) => count !== 0) }
}

async function countOf(connection: Connection, sql: string): Promise<number> {
  const [row] = await connection.query<Record<string, string | null>>(sql)
  return Number(Object.values(row ?? {})[0] ?? 0)
}
