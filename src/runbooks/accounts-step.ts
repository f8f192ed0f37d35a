import type { AccountList } from '../core/accounts.ts'
import type { CheckRow, MadeDatabase, Step } from '../core/runbook.ts'
import { accountsRow } from './accounts-check.ts'
import { mayLook } from './aws-cli.ts'
import { compareAccounts, sealAccounts } from './compare-accounts.ts'
import type { NotLookedAt } from './ports/database.ts'
import type { CloudPorts } from './ports.ts'
import { endpointOf, findDatabase } from './posture.ts'
import type { SourceAccounts } from './source-accounts.ts'

export interface AccountsPlan {
  readonly source: string
  readonly target: string
  /** The old one. */
  readonly db: string
  readonly made: MadeDatabase
  readonly accounts: SourceAccounts
  readonly accepted: readonly string[]
}

/** Nobody may lose access by a move, and who gains any should be known. */
export function accountsStep(plan: AccountsPlan): Step<CloudPorts> {
  const { db, made, accounts, accepted } = plan
  const { kind, id } = made
  return {
    id: 'accounts',
    title: `compare accounts and grants of ${id} with those of ${db}`,
    effect: 'read',
    command: () => [{ argv: verifyArgv(plan) }],
    check: () => undefined,
    permissions: () => [
      mayLook('rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:ListTagsForResource'),
    ],
    async observe(ports, signal) {
      const { database } = ports
      const found = await findDatabase(ports.target, id, signal, kind)
      if (found === undefined) return { state: 'blocked', reason: `there is no ${kind} ${id}` }
      const there = endpointOf(found, made.takesWrites)
      if (there === undefined) return { state: 'running', reason: `${id} has no endpoint yet` }
      const old = accounts.endpoint
      const read = async (): Promise<AccountList | NotLookedAt> =>
        old === null ? { unknown: 'no endpoint' } : await database.accounts(old, signal)
      const live = accounts.sealed === null ? await read() : undefined
      // A file that came with a later start says what nobody could tell when the run was planned.
      const was =
        accounts.sealed ??
        (live !== undefined && !('unknown' in live) ? sealAccounts(live) : ports.rememberedAccounts?.sealed)
      if (was === undefined) {
        const reason = `not compared: ${accounts.reason ?? 'not known of the source'}`
        return { state: 'done', reason, checks: [{ name: 'accounts', state: 'unknown', found: reason }] }
      }
      const now = await database.accounts(there, signal)
      const isTaken = accepted.includes('accounts') || ('unknown' in now && accepted.includes('unreached'))
      const row = accountsRow('unknown' in now ? now : compareAccounts(was, now, undefined), isTaken)
      if (row.state !== 'failed' || 'unknown' in now)
        return row.state === 'failed'
          ? blocked(row, plan)
          : { state: 'done', reason: row.found, checks: [row] }
      // A digest says nothing: where the source still answers, it puts what is missing into words.
      const words = live ?? (await read())
      const told = accountsRow(compareAccounts(was, now, 'unknown' in words ? undefined : words), false)
      return blocked(told, plan)
    },
    apply: () => Promise.resolve(),
  }
}

/** What its plan says beforehand of a comparison that can't be made. */
export function accountsWarning({ db, accounts: { reason, from } }: AccountsPlan): readonly string[] {
  if (from !== null) return [`${db} gives no answer: who may do what there is as in ${from}.`]
  if (reason === null) return []
  return [
    `Accounts and grants of ${db} are not known (${reason}): those of the new database can't be compared. --accounts FILE says them, with --resume too.`,
  ]
}

function blocked(row: CheckRow, { db, made: { id } }: AccountsPlan) {
  return {
    state: 'blocked',
    reason: row.found,
    hint: `Make at ${id} what it lacks, as ${db} has it; or take it as it is: --accept accounts.`,
    checks: [row],
  } as const
}

function verifyArgv({ source, target, db, made: { id } }: AccountsPlan): readonly string[] {
  return [
    ...['lifeboat', 'migrate', 'verify', '--source', source, '--target', target, '--db', db],
    ...['--target-id', id, '--login', 'DATABASE-URL', '--password', 'prompt:'],
  ]
}
