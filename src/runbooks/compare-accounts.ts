import { createHash, randomBytes } from 'node:crypto'
import type { AccountGrants, AccountList } from '../core/accounts.ts'

/** Beyond so many rights a journal keeps one digest for an account, not one for each right. */
const MOST_RIGHTS = 5_000

/**
 * Accounts as a journal may keep them: names, and digests of what each may do, salted, so that equal rights of two databases look
 * different.
 */
export interface SealedAccounts {
  readonly salt: string
  readonly accounts: readonly {
    readonly name: string
    /** Of one right each; or null, where `all` stands for them. */
    readonly rights: readonly string[] | null
    readonly all: string
    readonly count: number
  }[]
  readonly limits: readonly string[]
}

export function sealAccounts(
  { accounts, limits }: AccountList,
  salt = randomBytes(8).toString('hex'),
): SealedAccounts {
  const total = accounts.reduce((sum, { grants }) => sum + grants.length, 0)
  return {
    salt,
    accounts: accounts.map(({ name, grants }) => ({
      name,
      rights: total > MOST_RIGHTS ? null : grants.map((grant) => digest(salt, grant)),
      all: digestOfAll(salt, grants),
      count: grants.length,
    })),
    limits,
  }
}

export interface AccountDifference {
  readonly what: 'missing-account' | 'missing-right' | 'extra-account' | 'extra-right'
  readonly account: string
  /** In words where they are known; else how many. */
  readonly rights: readonly string[]
}

export interface AccountComparison {
  /** How many accounts of the source there are. */
  readonly accounts: number
  readonly differences: readonly AccountDifference[]
  /** What could not be looked at, on either side. */
  readonly limits: readonly string[]
}

/** `words` gives the source's own rights where it could be asked again: a digest says nothing. */
export function compareAccounts(
  source: SealedAccounts,
  target: AccountList,
  words: AccountList | undefined,
): AccountComparison {
  const { salt } = source
  const there = new Map(target.accounts.map((account) => [account.name, account]))
  const known = new Set(source.accounts.map(({ name }) => name))
  const spoken = new Map(
    (words?.accounts ?? []).flatMap(({ grants }) => grants).map((grant) => [digest(salt, grant), grant]),
  )
  const differences = source.accounts.flatMap(({ name, rights, all, count }): AccountDifference[] => {
    const found = there.get(name)
    if (found === undefined)
      // Everybody is at each server, whether or not anything is granted to them.
      return count === 0 && name === 'PUBLIC' ? [] : [{ what: 'missing-account', account: name, rights: [] }]
    if (all === digestOfAll(salt, found.grants)) return []
    return rights === null
      ? [differing(name, count, found)]
      : rightDifferences(name, rights, found, salt, spoken)
  })
  const extra = target.accounts
    .filter(({ name }) => !known.has(name))
    .map(({ name, grants }) => ({ what: 'extra-account', account: name, rights: grants }) as const)
  return {
    accounts: source.accounts.length,
    differences: [...differences, ...extra],
    limits: [...new Set([...source.limits, ...target.limits])],
  }
}

function rightDifferences(
  account: string,
  rights: readonly string[],
  found: AccountGrants,
  salt: string,
  spoken: ReadonlyMap<string, string>,
): AccountDifference[] {
  const now = new Map(found.grants.map((grant) => [digest(salt, grant), grant]))
  const before = new Set(rights)
  const missing = rights.filter((each) => !now.has(each))
  const named = missing.flatMap((each) => spoken.get(each) ?? [])
  const unnamed = missing.length - named.length
  const lost = [...named, ...(unnamed === 0 ? [] : [`${unnamed} of its ${rights.length} rights`])]
  const gained = [...now].flatMap(([each, grant]) => (before.has(each) ? [] : [grant]))
  return [
    ...(lost.length === 0 ? [] : [{ what: 'missing-right', account, rights: lost } as const]),
    ...(gained.length === 0 ? [] : [{ what: 'extra-right', account, rights: gained } as const]),
  ]
}

function differing(account: string, count: number, { grants }: AccountGrants): AccountDifference {
  const text = `or has gained some rights: ${count} at the source, ${grants.length} here`
  return { what: 'missing-right', account, rights: [text] }
}

/** A right that is gone keeps somebody out; one that came lets somebody in, which is told and is no failure. */
export function isLoss({ what }: AccountDifference): boolean {
  return what === 'missing-account' || what === 'missing-right'
}

const MOST_SHOWN = 5

/** `app@% lacks SELECT ON shop.*`. */
export function differenceText({ what, account, rights }: AccountDifference): string {
  const shown = rights.slice(0, MOST_SHOWN).join(', ')
  const more = rights.length > MOST_SHOWN ? `${shown} and ${rights.length - MOST_SHOWN} more` : shown
  switch (what) {
    case 'missing-account':
      return `${account} is missing`
    case 'extra-account':
      return `${account} is new`
    case 'missing-right':
      return `${account} lacks ${more}`
    case 'extra-right':
      return `${account} also has ${more}`
  }
}

export function comparisonText({ accounts, differences, limits }: AccountComparison): string {
  const ordered = [...differences.filter(isLoss), ...differences.filter((each) => !isLoss(each))]
  const shown = ordered.slice(0, MOST_SHOWN * 2).map(differenceText)
  const rest = ordered.length - shown.length
  return [
    ...(shown.length === 0
      ? [accounts === 1 ? '1 account, as at the source' : `${accounts} accounts, each as at the source`]
      : shown),
    ...(rest > 0 ? [`${rest} more differences`] : []),
    ...limits.map((limit) => `not looked at: ${limit}`),
  ].join('; ')
}

function digest(salt: string, text: string): string {
  return createHash('sha256').update(`${salt}\0${text}`).digest('hex').slice(0, 16)
}

function digestOfAll(salt: string, grants: readonly string[]): string {
  return digest(salt, JSON.stringify([...grants].sort()))
}
