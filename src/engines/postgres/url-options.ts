import { type DatabaseUrl, refuseUnknownOptions } from '../../core/database-url.ts'
import { LifeboatError } from '../../core/errors.ts'

/** What pg_restore may be told to leave out: `?no-owner` in the URL. */
const LEAVE_OUT = [
  'no-owner',
  'no-privileges',
  'no-comments',
  'no-publications',
  'no-subscriptions',
  'no-security-labels',
] as const

export type TablespaceMode =
  /** Used where the target has all of them already, dropped and reported otherwise. */
  | { readonly kind: 'auto' }
  /** Created where the source had them. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'drop' }
  /** Created at the folder that is given for each name. */
  | { readonly kind: 'map'; readonly folders: ReadonlyMap<string, string> }

export interface PostgresOptions {
  readonly layout: 'databases' | 'dumpall'
  readonly tablespaces: TablespaceMode
  /** Flags for pg_restore, with their dashes. */
  readonly leaveOut: readonly string[]
  /** `SET ROLE` for pg_dump and pg_restore. */
  readonly role: string | undefined
  /** How long to wait behind somebody's DDL before giving up. */
  readonly lockWaitMs: number
  /** How long a query of ours may say nothing before the server is asked whether it still works on it. */
  readonly silenceMs: number
  /** Restores into a server of an older major version are refused unless this is said. */
  readonly olderTarget: boolean
}

const KNOWN = ['layout', 'tablespaces', 'role', 'lock-wait-ms', 'silence-ms', 'older-target', ...LEAVE_OUT]
const DEFAULT_LOCK_WAIT_MS = 60_000
const DEFAULT_SILENCE_MS = 60_000

export function readUrlOptions(url: DatabaseUrl): PostgresOptions {
  refuseUnknownOptions(url, KNOWN)
  const layout = url.options.get('layout') ?? 'databases'
  if (layout !== 'databases' && layout !== 'dumpall') {
    throw refuse(`layout=${layout} is neither databases nor dumpall`, 'Leave it out for the usual layout.')
  }
  if (layout === 'dumpall' && url.database !== undefined) {
    throw refuse(
      `it names the database '${url.database}', but layout=dumpall always takes all of them`,
      'Leave out layout=dumpall to dump one database.',
    )
  }
  return {
    layout,
    tablespaces: readTablespaces(url.options.get('tablespaces')),
    leaveOut: LEAVE_OUT.filter((name) => isSwitchedOn(url, name)).map((name) => `--${name}`),
    role: url.options.get('role'),
    lockWaitMs: readMs(url, 'lock-wait-ms', DEFAULT_LOCK_WAIT_MS),
    silenceMs: readMs(url, 'silence-ms', DEFAULT_SILENCE_MS),
    olderTarget: readOlderTarget(url.options.get('older-target')),
  }
}

function readTablespaces(text: string | undefined): TablespaceMode {
  if (text === undefined) return { kind: 'auto' }
  if (text === 'keep' || text === 'drop') return { kind: text }
  const hint = 'Write tablespaces=keep, tablespaces=drop or tablespaces=map:fast=/mnt/fast,slow=/mnt/slow.'
  if (!text.startsWith('map:')) throw refuse(`tablespaces=${text} is not understood`, hint)
  const folders = new Map<string, string>()
  for (const pair of text.slice('map:'.length).split(',')) {
    const at = pair.indexOf('=')
    if (at < 1 || !pair.slice(at + 1).startsWith('/')) {
      throw refuse(`'${pair}' in tablespaces= is not name=/folder`, hint)
    }
    folders.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return { kind: 'map', folders }
}

function isSwitchedOn(url: DatabaseUrl, name: string): boolean {
  const value = url.options.get(name)
  if (value === undefined || value === 'false') return false
  if (value === '' || value === 'true') return true
  throw refuse(`${name}=${value} is neither true nor false`, `Write just ${name}.`)
}

function readMs(url: DatabaseUrl, name: string, fallback: number): number {
  const text = url.options.get(name)
  if (text === undefined) return fallback
  const number = Number(text)
  if (/^\d{1,9}$/.test(text) && number > 0) return number
  throw refuse(`${name}=${text} is not a number of milliseconds`, `Write ${name}=60000 for a minute.`)
}

function readOlderTarget(text: string | undefined): boolean {
  if (text === undefined || text === 'refuse') return false
  if (text === 'allow') return true
  throw refuse(`older-target=${text} is neither allow nor refuse`, 'Leave it out to be on the safe side.')
}

function refuse(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the database URL: ${reason}`, { hint })
}
