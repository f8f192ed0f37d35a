import type { PartSource } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { ServerFacts } from './catalog.ts'
import type { Connection } from './connection.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { newerClientHint, type Tool } from './tools.ts'
import type { PostgresOptions } from './url-options.ts'

/** What can be known to fail is found before anything is changed. */
export async function checkRestore(
  source: PartSource,
  facts: readonly DatabaseFacts[],
  dumpedBy: string,
  given: { readonly target: ServerFacts; readonly tool: Tool; readonly options: PostgresOptions },
  connection: Connection,
): Promise<void> {
  const { target, tool, options } = given
  const dumpMajor = Number.parseInt(dumpedBy, 10)
  const sourceMajor = Number.parseInt(source.server.version, 10)
  if (target.inRecovery) {
    throw new LifeboatError('unsupported', 'unable to restore into a standby: it is read-only', {
      hint: 'Promote it first, or give another server with --into.',
    })
  }
  if (tool.major < dumpMajor) {
    throw new LifeboatError(
      'unsupported',
      `unable to restore: ${tool.name} ${tool.version} is older than the pg_dump ${dumpedBy} that made the backup`,
      { hint: newerClientHint(dumpMajor) },
    )
  }
  if (target.major < sourceMajor && !options.olderTarget) {
    throw new LifeboatError(
      'unsupported',
      `unable to restore: the target is PostgreSQL ${target.version}, older than the source's ${source.server.version}`,
      {
        hint: `Nothing was changed. Give a server of version ${sourceMajor} or later; with older-target=allow in the URL it is tried and stops at the first statement that the old version lacks.`,
      },
    )
  }
  const rows = await connection.query<{ name: string }>('SELECT name FROM pg_available_extensions')
  const available = new Set(rows.map(({ name }) => name))
  const lacking = [...new Set(facts.flatMap(({ extensions }) => extensions))].filter(
    (name) => !available.has(name),
  )
  if (lacking.length > 0) {
    throw new LifeboatError(
      'unsupported',
      `unable to restore: the target lacks the extensions ${lacking.map((name) => `'${name}'`).join(', ')}`,
      {
        hint: `Nothing was changed. Install their packages on the target (postgresql-contrib-${target.major} and the like; on RDS see its list of extensions), then run again.`,
      },
    )
  }
}
