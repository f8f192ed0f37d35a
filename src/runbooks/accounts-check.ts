import type { AccountList } from '../core/accounts.ts'
import type { CheckRow } from '../core/runbook.ts'
import { compareAccounts, comparisonText, isLoss, sealAccounts } from './compare-accounts.ts'
import type { DatabasePort, NotLookedAt } from './ports/database.ts'
import type { Endpoint } from './ports/rds.ts'
import type { KeptAccounts } from './source-accounts.ts'

/** Two databases that both can be asked now, for a checklist. What could be looked at, and was not, is no pass. */
export async function accountsCheck(
  was: AccountList | NotLookedAt,
  database: DatabasePort,
  there: Endpoint,
  accepted: readonly string[],
  signal: AbortSignal,
): Promise<CheckRow> {
  const isTaken = accepted.includes('accounts')
  if ('unknown' in was) {
    const found = `not compared: ${was.unknown}`
    return was.never === true ? { name: 'accounts', state: 'skipped', found } : bad(found, isTaken)
  }
  const now = await database.accounts(there, signal)
  return 'unknown' in now
    ? accountsRow(now, isTaken)
    : accountsRow(compareAccounts(sealAccounts(was), now, was), isTaken)
}

/** The same where the old one gives no answer any more, and somebody has kept what it was. */
export async function keptAccountsCheck(
  { sealed, from }: KeptAccounts,
  database: DatabasePort,
  there: Endpoint,
  accepted: readonly string[],
  signal: AbortSignal,
): Promise<CheckRow> {
  const now = await database.accounts(there, signal)
  const row = accountsRow(
    'unknown' in now ? now : compareAccounts(sealed, now, undefined),
    accepted.includes('accounts'),
  )
  return { ...row, found: `${row.found}; compared with ${from}` }
}

/** Losses fail, unless they are taken by name; what is new, or was seen in part only, is for somebody to see. */
export function accountsRow(
  compared: ReturnType<typeof compareAccounts> | NotLookedAt,
  isTaken: boolean,
): CheckRow {
  if ('unknown' in compared) return bad(`could not be read: ${compared.unknown}`, isTaken)
  const found = comparisonText(compared)
  if (compared.differences.some(isLoss)) return bad(found, isTaken)
  const isWhole = compared.differences.length === 0 && compared.limits.length === 0
  return { name: 'accounts', state: isWhole ? 'ok' : 'warning', found }
}

function bad(found: string, isTaken: boolean): CheckRow {
  return { name: 'accounts', state: isTaken ? 'accepted' : 'failed', found, accept: 'accounts' }
}
