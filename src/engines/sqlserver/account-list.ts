import { type AccountList, accountList } from '../../core/accounts.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../../core/errors.ts'
import { readDatabaseAccounts } from './database-accounts.ts'
import { listDatabases, selectDatabases } from './databases.ts'
import { openMaintenance } from './maintenance.ts'
import type { Server } from './server-access.ts'
import { type FoundAccounts, readServerAccounts } from './server-accounts.ts'
import { readServerFacts } from './server-facts.ts'
import type { SessionSource } from './session.ts'

/**
 * Logins and server roles, then users and roles of each database that a dump would take; those of the server's own databases are
 * left out, as there.
 */
export async function readAccounts(
  server: Server,
  sessions: SessionSource,
  signal: AbortSignal,
): Promise<AccountList> {
  await using maintenance = await openMaintenance(server, sessions, signal)
  const { login } = await readServerFacts(maintenance, signal)
  const found: FoundAccounts[] = [await readServerAccounts(maintenance, login, signal)]
  const { taken, denied, left } = selectDatabases(await listDatabases(maintenance, signal), undefined)
  const limits = [
    ...denied.map((name) => `database ${name}, which login '${login}' may not use`),
    ...left.map(({ name, state }) => `database ${name}, which is ${state}`),
  ]
  for (const { name } of taken) {
    try {
      await using session = await sessions.open(name, signal)
      found.push(await readDatabaseAccounts(session, name, login, signal))
    } catch (thrown) {
      throwIfAborted(signal)
      if (!(thrown instanceof LifeboatError)) throw thrown
      limits.push(`database ${name}: ${messageOf(thrown)}`)
    }
  }
  const all = [...found.flatMap((each) => each.limits), ...limits]
  const names = found.flatMap((each) => each.names)
  if (names.length === 0)
    throw new LifeboatError('unsupported', `unable to read accounts: not looked at: ${all.join('; ')}`, {
      hint: `Run GRANT VIEW ANY DEFINITION TO the login in master, and make it a user of each database; or use the master user.`,
    })
  return accountList(
    names,
    found.flatMap((each) => each.rights),
    all,
  )
}
