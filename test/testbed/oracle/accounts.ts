import * as account from '../../../src/engines/oracle/account-statements.ts'
import type { Database } from './database.ts'
import type { Value } from './dispatch.ts'
import { OraError } from './ora-error.ts'
import type { Session } from './server.ts'

type Row = Readonly<Record<string, Value>>

interface Held {
  readonly grantee: string
  readonly privilege: string
  /** Of an object; `column` of one of its columns. */
  readonly owner?: string
  readonly object?: string
  readonly column?: string
  readonly option: boolean
}

/** Who may do what, beside the schemas of the database: each name is upper case unless it is quoted, as in SQL. */
export class Accounts {
  readonly users = new Map<string, { status: string; profile: string; password: string }>()
  readonly roles = new Set<string>()
  readonly quotas = new Map<string, { grantee: string; tablespace: string; bytes: string }>()
  readonly proxies: { proxy: string; client: string }[] = []
  held: readonly Held[] = []

  statusOf(name: string): string {
    return this.users.get(name)?.status ?? 'OPEN'
  }

  setStatus(name: string, status: string): void {
    const { profile = 'DEFAULT', password = '' } = this.users.get(name) ?? {}
    this.users.set(name, { status, profile, password })
  }

  /** One statement of SQL, of the kinds below. */
  run(database: Database, sql: string): void {
    const words = sql.match(/(?:"[^"]*"|[^\s"])+/g) ?? []
    const at = (word: string) => words.findLastIndex((each) => each.toUpperCase() === word)
    const after = (word: string) => nameOf(words[at(word) + 1] ?? '')
    const kind = words.slice(0, 2).join(' ').toUpperCase()
    if (kind === 'CREATE ROLE') this.roles.add(after('ROLE'))
    else if (kind === 'CREATE USER') {
      const password = after('BY')
      database.addSchema(after('USER'), { password })
      this.users.set(after('USER'), { status: 'OPEN', profile: 'DEFAULT', password })
    } else if (kind === 'ALTER USER') this.#alter(after('USER'), words, at)
    else if (kind === 'DROP USER') {
      database.schemas.delete(after('USER'))
      this.users.delete(after('USER'))
      this.held = this.held.filter(({ grantee }) => grantee !== after('USER'))
    } else if (words[0] === 'GRANT')
      this.held = [...this.#without(words, at('TO')), ...this.#read(words, at('TO'))]
    else if (words[0] === 'REVOKE') this.held = this.#without(words, at('FROM'))
    else throw new OraError(900, 'invalid SQL statement')
  }

  #alter(name: string, words: readonly string[], at: (word: string) => number): void {
    const user = this.users.get(name)
    if (user === undefined) throw new OraError(1918, `user '${name}' does not exist`)
    if (at('LOCK') !== -1) user.status = 'LOCKED'
    if (at('PROFILE') !== -1) user.profile = nameOf(words[at('PROFILE') + 1] ?? '')
    if (at('QUOTA') !== -1) {
      const [most = '', , tablespace = ''] = words.slice(at('QUOTA') + 1)
      const bytes = most === 'UNLIMITED' ? '-1' : most
      this.quotas.set(`${name} ${tablespace}`, { grantee: name, tablespace: nameOf(tablespace), bytes })
    }
    if (at('THROUGH') !== -1)
      this.proxies.push({ client: name, proxy: nameOf(words[at('THROUGH') + 1] ?? '') })
  }

  /** `GRANT a, b (c) ON s.t TO x WITH GRANT OPTION`. */
  #read(words: readonly string[], to: number): readonly Held[] {
    const on = words.indexOf('ON')
    const grantee = nameOf(words[to + 1] ?? '')
    const option = words.at(-1) === 'OPTION'
    const [owner = '', object = ''] = on === -1 ? [] : (words[on + 1] ?? '').split('.').map(nameOf)
    const list = words.slice(1, on === -1 ? to : on).join(' ')
    return list.split(/,\s*/).map((each): Held => {
      const [, privilege = '', column] = /^(.*?)(?: \((.*)\))?$/.exec(each) ?? []
      const isRole = this.roles.has(nameOf(privilege))
      return {
        ...{ grantee, option, privilege: isRole ? nameOf(privilege) : privilege },
        ...(on !== -1 && { owner, object }),
        ...(column !== undefined && { column: nameOf(column) }),
      }
    })
  }

  #without(words: readonly string[], to: number): readonly Held[] {
    const keyOf = ({ option: _option, ...held }: Held) => JSON.stringify(held)
    const gone = new Set(this.#read(words, to).map(keyOf))
    return this.held.filter((each) => !gone.has(keyOf(each)))
  }
}

function nameOf(written: string): string {
  const bare = written.replace(/[;,]$/, '')
  return bare.startsWith('"') ? bare.replaceAll('"', '') : bare.toUpperCase()
}

const yes = (is: boolean) => (is ? 'YES' : 'NO')

/** Views that begin with DBA_ are "not there" for whoever may not see them. */
function opened({ database }: Session): Accounts {
  const isOpen = [...database.roles].some((role) => /DBA|FULL_DATABASE|SELECT_CATALOG_ROLE/.test(role))
  if (!isOpen) throw new OraError(942, 'table or view does not exist')
  return database.accounts
}

export const ACCOUNT_QUERIES: readonly (readonly [string, (session: Session) => readonly Row[]])[] = [
  [
    account.READ_ACCOUNTS,
    (session) => {
      const { users } = opened(session)
      return [...session.database.schemas].flatMap(([name, { maintained }]) => {
        const { status = 'OPEN', profile = 'DEFAULT' } = users.get(name) ?? {}
        return maintained ? [] : [{ name, status, profile, authentication: 'PASSWORD' }]
      })
    },
  ],
  [
    account.READ_MADE_ROLES,
    (session) => [...opened(session).roles].map((name) => ({ name, authentication: 'NONE' })),
  ],
  [
    account.READ_ROLE_GRANTS,
    (session) => {
      const { held, roles } = opened(session)
      return held
        .filter(({ object, privilege }) => object === undefined && roles.has(privilege))
        .map(({ grantee, privilege, option }) => ({
          ...{ grantee, role: privilege, admin: yes(option), byDefault: 'YES' },
        }))
    },
  ],
  [
    account.READ_SYSTEM_GRANTS,
    (session) => {
      const { held, roles } = opened(session)
      return held
        .filter(({ object, privilege }) => object === undefined && !roles.has(privilege))
        .map(({ grantee, privilege, option }) => ({ grantee, privilege, admin: yes(option) }))
    },
  ],
  [account.READ_OBJECT_GRANTS, (session) => objectGrants(opened(session), false)],
  [account.READ_COLUMN_GRANTS, (session) => objectGrants(opened(session), true)],
  [account.READ_QUOTAS, (session) => [...opened(session).quotas.values()]],
  [account.READ_PROXIES, (session) => opened(session).proxies],
]

function objectGrants({ held }: Accounts, ofColumns: boolean): readonly Row[] {
  return held.flatMap(({ grantee, owner, object, column, privilege, option }) =>
    owner === undefined || object === undefined || (column !== undefined) !== ofColumns
      ? []
      : [
          {
            grantee,
            owner,
            object,
            privilege,
            grantable: yes(option),
            ...(column !== undefined && { column }),
          },
        ],
  )
}
