import type { Runbook, Way } from '../core/runbook.ts'
import { type AccountsPlan, accountsStep, accountsWarning } from './accounts-step.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'
import { readEndpoint } from './read-endpoint.ts'
import { readSourceAccounts, type SourceAccounts } from './source-accounts.ts'
import { type Acceptable, accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export interface AccountsOptions<Options> {
  readonly checked: Options
  readonly source: string
  readonly target: string
  readonly db: string
  /** Of the old database, where the operator has named it. */
  readonly from: Endpoint | null
  readonly accepted: readonly Acceptable[]
}

/** The way's own, and who could do what. Absent in journals of runs that were planned before it was asked. */
export type AccountsFacts<Facts> = Facts & { readonly sourceAccounts?: SourceAccounts }

/** Accounts and grants are read at the source before anything is done, and compared with those of the new database at the end. */
export function withAccounts<Options, Facts extends object>(
  way: Way<WayFlags, Options, Facts, CloudPorts>,
  asksSource = true,
): Way<WayFlags, AccountsOptions<Options>, AccountsFacts<Facts>, CloudPorts> {
  return {
    ...way,
    choose: (flags) => ({
      ...{ checked: way.choose(flags), ...needRegions(flags), db: needOneDb(flags, way.name) },
      from: flags.from === undefined ? null : readEndpoint(flags.from, '--from'),
      accepted: accepted(flags),
    }),
    async gather({ checked, db, from }, ports, signal) {
      const facts = await way.gather(checked, ports, signal)
      const sourceAccounts = await readSourceAccounts(db, from ?? undefined, ports, asksSource, signal)
      return { ...facts, sourceAccounts }
    },
    plan: (options, facts, run) =>
      compared(options, way.plan(options.checked, facts, run), facts.sourceAccounts ?? NOBODY),
    example: {
      options: {
        ...{ checked: way.example.options, source: 'eu-west-1', target: 'eu-central-1', db: 'shop' },
        ...{ from: null, accepted: [] },
      },
      facts: { ...way.example.facts, sourceAccounts: EXAMPLE },
    },
  }
}

function compared<Options>(
  options: AccountsOptions<Options>,
  runbook: Runbook<CloudPorts>,
  accounts: SourceAccounts,
): Runbook<CloudPorts> {
  const { makes } = runbook
  if (makes === undefined) return runbook
  const plan: AccountsPlan = { ...options, made: makes, accounts }
  return {
    ...runbook,
    warnings: [...runbook.warnings, ...accountsWarning(plan)],
    steps: [...runbook.steps, accountsStep(plan)],
  }
}

const NOBODY: SourceAccounts = {
  ...{ of: '', endpoint: null, sealed: null, from: null },
  reason: 'they were not read',
}

const EXAMPLE: SourceAccounts = {
  of: 'eu-west-1/shop',
  endpoint: { host: 'shop.c1sim.eu-west-1.rds.amazonaws.com', port: 3306 },
  sealed: { salt: '', accounts: [], limits: [] },
  ...{ reason: null, from: null },
}
