import { LifeboatError } from '../../core/errors.ts'
import type { ServerFacts } from './catalog.ts'
import type { Connection } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { lackingTablespaces } from './restore-databases.ts'
import type { PostgresOptions } from './url-options.ts'

/** What a script of pg_dumpall can't be told, and what would stop it in its middle: found before anything is changed. */
export async function checkClusterRestore(
  facts: readonly DatabaseFacts[],
  given: { readonly target: ServerFacts; readonly options: PostgresOptions },
  connection: Connection,
): Promise<void> {
  const { target, options } = given
  const ignored = [
    ...options.leaveOut.map((flag) => flag.replace(/^--/, '')),
    ...(options.role === undefined ? [] : ['role']),
  ]
  if (ignored.length > 0) {
    throw new LifeboatError(
      'usage',
      `unable to restore with ${ignored.join(', ')}: the backup is a script of pg_dumpall, which is run as it is`,
      {
        hint: `Nothing was changed. Take ${ignored.join(', ')} out of the URL, or restore a backup that was made without layout=dumpall.`,
      },
    )
  }
  const { tablespaces } = options
  const isMade = (name: string) =>
    target.superuser &&
    (tablespaces.kind === 'keep' || (tablespaces.kind === 'map' && tablespaces.folders.has(name)))
  const lacking = [...(await lackingTablespaces(facts, connection))].filter((name) => !isMade(name))
  if (lacking.length > 0) {
    throw new LifeboatError(
      'unsupported',
      `unable to restore the databases: the target lacks the tablespaces ${lacking.map((name) => `'${name}'`).join(', ')}`,
      {
        hint: target.superuser
          ? 'Nothing was changed. Say where they go with tablespaces=map:name=/folder in the URL; a script of pg_dumpall names them in its statements.'
          : 'Nothing was changed. Have a superuser make tablespaces of these names first; a script of pg_dumpall names them in its statements.',
      },
    )
  }
}
