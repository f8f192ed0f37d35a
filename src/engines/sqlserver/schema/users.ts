import { quoteName } from '../catalog/quote.ts'
import { maybeText, text } from '../catalog/row.ts'
import { isMissing, reasonOf } from '../catalog/server-error.ts'
import type { Session, SqlRow } from '../session.ts'
import type { Step } from './step.ts'

export const USERS_QUERY = 'SELECT name, authentication_type_desc FROM sys.database_principals'

/** Users that have lost their login: it is not on this server, and whether it should be is not lifeboat's to say. */
export async function readOrphans(
  session: Session,
  steps: readonly Step[],
  warnings: string[],
  signal: AbortSignal,
): Promise<readonly { readonly what: string; readonly reason: string }[]> {
  const logins = new Map(steps.flatMap(({ name, login }) => (login === undefined ? [] : [[name, login]])))
  if (logins.size === 0) return []
  let users: readonly SqlRow[]
  try {
    users = await session.query(USERS_QUERY, signal)
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown
    warnings.push(`whether all users have their logins is not known: ${reasonOf(thrown)}`)
    return []
  }
  return users.flatMap((row) => {
    const name = quoteName(text(row, 'name'))
    const login = logins.get(name)
    if (login === undefined || maybeText(row, 'authentication_type_desc') !== 'NONE') return []
    return {
      what: `login of user ${name}`,
      reason: `the server has no login '${login}' for it: create it, then run ALTER USER ${name} WITH LOGIN = ${quoteName(login)}`,
    }
  })
}
