import { type DatabaseUrl, refuseUnknownOptions } from '../../core/database-url.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Account, parseAccount } from './quote.ts'

/** What a restore does with the DEFINER of views, triggers, routines and events. */
export type DefinerRule =
  | { readonly mode: 'keep' }
  | { readonly mode: 'strip' }
  /** `old` undefined: every definer. What no entry names is kept. */
  | {
      readonly mode: 'map'
      readonly entries: readonly { readonly old: Account | undefined; readonly now: Account }[]
    }

export interface MysqlOptions {
  readonly definer: DefinerRule
  /** Take or restore accounts, roles and grants. */
  readonly accounts: boolean
  /** What a dump does with a view whose tables, columns or definer are gone: mysqldump would stop there. */
  readonly brokenViews: 'fail' | 'skip'
  /** Send the password as it is, over TLS only: an IAM token. `auto` knows a token when it sees one. */
  readonly cleartext: 'auto' | 'yes' | 'no'
  /** Whose dump tool is preferred: the server's own vendor's, unless the dump is meant for the other vendor. */
  readonly client: 'auto' | 'mariadb' | 'oracle'
}

const NAMES = ['definer', 'accounts', 'broken-views', 'cleartext', 'client'] as const

/** Options of a mysql:// or mariadb:// URL. Throws `usage` for what it does not know. */
export function parseMysqlOptions(url: DatabaseUrl): MysqlOptions {
  refuseUnknownOptions(url, NAMES)
  const choice = <T extends string>(
    name: (typeof NAMES)[number],
    allowed: readonly [T, ...T[]],
    fallback: T,
  ): T => {
    const value = url.options.get(name)
    if (value === undefined) return fallback
    const found = allowed.find((each) => each === value)
    if (found !== undefined) return found
    throw refuse(`${name}=${value} is not one of ${allowed.join(', ')}`)
  }
  return {
    definer: parseDefinerRule(url.options.get('definer') ?? 'keep'),
    accounts: choice('accounts', ['yes', 'no'], url.database === undefined ? 'yes' : 'no') === 'yes',
    brokenViews: choice('broken-views', ['fail', 'skip'], 'fail'),
    cleartext: choice('cleartext', ['auto', 'yes', 'no'], 'auto'),
    client: choice('client', ['auto', 'mariadb', 'oracle'], 'auto'),
  }
}

/** `keep`, `strip`, or `map:OLD=NEW,OLD=NEW`; OLD is an account or `*`. */
export function parseDefinerRule(text: string): DefinerRule {
  if (text === 'keep' || text === 'strip') return { mode: text }
  if (!text.startsWith('map:')) throw refuse(`definer=${text} is not keep, strip or map:OLD=NEW`)
  const entries = splitOutsideQuotes(text.slice(4), ',').map((entry) => {
    const [old, now, ...more] = splitOutsideQuotes(entry, '=')
    const oldAccount = old === undefined || old === '*' ? undefined : parseAccount(old)
    const newAccount = now === undefined || now === '' ? undefined : parseAccount(now)
    if (newAccount === undefined || more.length > 0 || (oldAccount === undefined && old !== '*')) {
      throw refuse(`definer=map: has an entry '${entry}' that is not OLD=NEW`)
    }
    return { old: oldAccount, now: newAccount }
  })
  return { mode: 'map', entries }
}

function splitOutsideQuotes(text: string, separator: ',' | '='): string[] {
  const pieces =
    text.match(new RegExp(`(?:\`[^\`]*\`|'[^']*'|"[^"]*"|[^${separator}])*(?:${separator}|$)`, 'g')) ?? []
  const closed = pieces.map((piece) => (piece.endsWith(separator) ? piece.slice(0, -1) : piece))
  // The pattern also matches the nothing after the last piece.
  return text.endsWith(separator) ? closed : closed.slice(0, -1)
}

function refuse(reason: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the database URL: ${reason}`, {
    hint: 'Write ?definer=strip, or ?definer=map:app@%25=admin@%25,old@localhost=admin@%25 (%25 stands for the % of a host).',
  })
}
