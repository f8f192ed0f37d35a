import type { Contents } from '../../core/contents.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { DatabaseModel, TableModel } from './catalog/model.ts'

/** What carries the rows, as the format of a part: the driver, Microsoft's bcp, FreeTDS's. */
export type RowFormat = 'rows' | 'bcp' | 'freebcp'

export interface TableRecord {
  readonly part: string
  readonly format: RowFormat
  readonly table: TableModel
  /** The text of the format file that bcp needs to load the part by hand. */
  readonly formatFile?: string
}

export interface DatabaseRecord extends DatabaseModel {
  /** Names of the parts. */
  readonly before: string
  readonly after: string
  readonly tables: readonly TableRecord[]
}

/** What the contents of a backup with layout=bcp keep for its restore. */
export interface BcpRecord {
  readonly layout: 'bcp'
  readonly serverVersion: string
  readonly databases: readonly DatabaseRecord[]
}

/** Written by us, but perhaps by another version of us. What is deep inside is checked by its use. */
export function readBcpRecord({ engine }: Pick<Contents, 'engine'>): BcpRecord {
  const { layout, serverVersion, databases } = engine
  if (layout === 'bcp' && typeof serverVersion === 'string' && Array.isArray(databases)) {
    return { layout, serverVersion, databases: databases.map(readDatabase) }
  }
  throw unreadable()
}

function readDatabase(value: unknown): DatabaseRecord {
  const database = value as Partial<DatabaseRecord> | null
  const texts = [database?.name, database?.before, database?.after]
  if (texts.every((text) => typeof text === 'string') && Array.isArray(database?.tables)) {
    return database as DatabaseRecord
  }
  throw unreadable()
}

function unreadable(): LifeboatError {
  return new LifeboatError(
    'unsupported',
    'unable to read the contents of this backup: the record of layout=bcp is not one',
    { hint: 'Use the version of lifeboat that made this backup: lifeboat list --json names it.' },
  )
}
