import type { NotCaptured } from '../../core/manifest.ts'
import type { Selection } from './databases.ts'
import { NOT_ONLINE, SERVER_LEVEL } from './probe.ts'
import { FILTERED_ROWS, hidesRows, UNREAD_KINDS } from './probe-database.ts'
import type { DatabaseReader } from './read-database.ts'

const SENTENCES = {
  database: 'one SNAPSHOT transaction over all tables of a database',
  table: 'each table as of one moment of its own',
  row: 'each table at its own time; rows that moved while it was read may be missing or doubled',
} as const

/** Of several databases, that of the weakest: whoever restores must know the worst. */
export function describeConsistency(readers: readonly Pick<DatabaseReader, 'consistency'>[]): string {
  const held = (['database', 'table', 'row'] as const).filter((each) =>
    readers.some(({ consistency }) => consistency === each),
  )
  const [strongest] = held
  const weakest = held.at(-1)
  if (strongest === undefined || weakest === undefined) return 'no database, so nothing to be consistent'
  if (strongest === weakest) return SENTENCES[weakest]
  const count = readers.filter(({ consistency }) => consistency === strongest).length
  return `in ${count} of ${readers.length} databases ${SENTENCES[strongest]}, otherwise ${SENTENCES[weakest]}`
}

/** What no dump has, and what the catalogs say, added up over all databases. */
export function gatherNotCaptured(
  readers: readonly DatabaseReader[],
  { left }: Selection,
): readonly NotCaptured[] {
  const found = new Map<string, NotCaptured & { count: number }>()
  const add = (what: string, count: number, reason: string) => {
    if (count === 0) return
    found.set(what, { what, count: (found.get(what)?.count ?? 0) + count, reason })
  }
  for (const { catalog, consistency } of readers) {
    for (const { what, count, reason } of catalog.notCaptured) add(what, count, reason)
    const inMemory = catalog.tables.filter(({ memoryOptimized }) => memoryOptimized !== undefined).length
    if (consistency === 'database') {
      add('memory-optimized tables (outside the snapshot)', inMemory, 'no SNAPSHOT transaction can read them')
    }
    add(UNREAD_KINDS, catalog.warnings.length, 'the warnings of the dump name them')
    add(FILTERED_ROWS, hidesRows(catalog) ? 1 : 0, 'a security policy filters what every login reads')
  }
  add(NOT_ONLINE, left.length, 'only a database that is online can be read')
  return [{ what: SERVER_LEVEL, reason: 'they are in no database that a dump takes' }, ...found.values()]
}
