import type { DatabaseModel } from '../catalog/model.ts'
import { quoteName } from '../catalog/quote.ts'
import type { Step } from './step.ts'

/** To be run in master. Files are left to the server; a level that is too new for it, and the like, is reported. */
export function scriptDatabase(database: DatabaseModel): readonly Step[] {
  const name = quoteName(database.name)
  const collation = database.collation === undefined ? '' : ` COLLATE ${database.collation}`
  const set = (what: string): Step => ({
    kind: 'database setting',
    name: `${what} of ${name}`,
    onFailure: 'report',
    batches: [`ALTER DATABASE ${name} SET ${what}`],
  })
  return [
    {
      kind: 'database',
      name,
      onFailure: 'stop',
      batches: [`CREATE DATABASE ${name}${collation}`],
    },
    ...(database.compatibilityLevel === undefined
      ? []
      : [set(`COMPATIBILITY_LEVEL = ${database.compatibilityLevel}`)]),
    ...(database.containment === undefined || database.containment === 'NONE'
      ? []
      : [set(`CONTAINMENT = ${database.containment}`)]),
    ...(database.snapshotIsolation ? [set('ALLOW_SNAPSHOT_ISOLATION ON')] : []),
    ...(database.readCommittedSnapshot ? [set('READ_COMMITTED_SNAPSHOT ON')] : []),
  ]
}
