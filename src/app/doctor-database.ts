import type { Engine } from '../core/engine.ts'
import type { Finding } from '../core/finding.ts'
import type { DoctorRequest, Learned } from './doctor-check.ts'

export async function* checkDatabase(
  database: NonNullable<DoctorRequest['database']>,
  learned: Learned,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  await using engine: Engine = await database.open()
  const probe = await engine.probe(database.role, signal)
  if (probe.estimateBytes !== undefined) learned.estimateBytes = probe.estimateBytes
  yield {
    level: 'ok',
    topic: 'database',
    message: `${engine.target} answers: ${probe.flavour} ${probe.serverVersion}`,
  }
  const told = new Set(probe.findings.map(({ topic }) => topic))
  for (const { name, vendor, version } of probe.tools) {
    if (!told.has(name)) yield { level: 'ok', topic: name, message: `${vendor} ${version}` }
  }
  yield* probe.findings
  if (database.role === 'source') {
    yield probe.databases.length === 0
      ? {
          level: 'warning',
          topic: 'databases',
          message: 'there is nothing to dump: no user database, or none that this account may see',
          hint: 'Check the account and the database that the URL names.',
        }
      : {
          level: 'ok',
          topic: 'databases',
          message: `${probe.databases.length} would be dumped: ${shorten(probe.databases.map(({ name }) => name))}`,
        }
  }
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => `'${name}'`)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}
