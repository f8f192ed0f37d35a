/** Names and formats of the parts of a backup. */
export const GLOBALS_PART = { name: 'globals', format: 'sql' } as const
export const CLUSTER_PART = { name: 'cluster', format: 'sql' } as const
export const ARCHIVE_FORMAT = 'pgdump'

const DATABASE_PREFIX = 'database '

export function databasePart(database: string): string {
  return `${DATABASE_PREFIX}${database}`
}

/** The database that a part is of, or undefined for the others. */
export function databaseOfPart(part: string): string | undefined {
  return part.startsWith(DATABASE_PREFIX) ? part.slice(DATABASE_PREFIX.length) : undefined
}
