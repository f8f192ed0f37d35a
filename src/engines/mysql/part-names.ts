/** Names of parts: what is stored under them says how they are restored. */
export const ACCOUNTS = 'accounts'
/** Everything but accounts, of a dump by one job. */
export const DATABASES = 'databases'

/** A dump by several jobs has these instead of `databases`, in this order. */
export const STRUCTURE = 'structure'
/** `rows 1`, `rows 2` …: independent of each other. */
const ROWS = /^rows \d+$/
export const TRIGGERS_AND_EVENTS = 'triggers and events'

export function rowsName(number: number): string {
  return `rows ${number}`
}

export function isRowsName(name: string): boolean {
  return ROWS.test(name)
}
