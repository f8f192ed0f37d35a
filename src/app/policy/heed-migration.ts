import type { Classification } from '../../core/classification.ts'
import type { OnEvent } from '../run-event.ts'
import { gatherMigrationFacts, type MigrationFactsRequest } from './migration-facts.ts'
import { CHANGE_RULES, MIGRATION_RULES } from './migration-rules.ts'
import { refusal } from './refusal.ts'
import { brokenOf, judge, type Known, type Verdict } from './rule.ts'

/** What a run by API is held to. */
export interface MigrationPolicy {
  /** Undefined: nothing is demanded. */
  readonly classification: Classification | undefined
  /** False where nobody said it, and its job counts as regulated. */
  readonly classified: boolean
  /** Of the configuration, that is about this database. */
  readonly job: string | undefined
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
  /** The run is recorded. */
  readonly audit: boolean
  readonly emergency: boolean
}

/** For the journal, and so for the report; plain JSON. */
export interface MigrationPolicyRecord {
  readonly classification: Classification | null
  readonly classified: boolean
  readonly job: string | null
  readonly rtoMs: number | null
  readonly rpoMs: number | null
  /** What was known beforehand of how old that is which is taken over; null where nothing was. */
  readonly lossMs: number | null
  readonly rules: readonly {
    readonly rule: string
    readonly state: Verdict['state']
    readonly found: string
  }[]
  /** Null unless the operator asked for it. */
  readonly emergency: { readonly overridden: readonly string[] } | null
}

export interface JudgedMigration {
  readonly verdicts: readonly Verdict[]
  readonly lossMs: Known<number>
}

type Judged = Omit<MigrationFactsRequest, 'rtoMs' | 'rpoMs' | 'audit'>

export async function judgeMigration(
  policy: MigrationPolicy,
  planned: Judged,
  signal: AbortSignal,
): Promise<JudgedMigration> {
  const { classification, rtoMs, rpoMs, audit, emergency } = policy
  const ports = emergency ? undefined : planned.ports
  const facts = await gatherMigrationFacts({ ...planned, ports, rtoMs, rpoMs, audit }, signal)
  const rules = planned.runbook.carries === undefined ? CHANGE_RULES : MIGRATION_RULES
  return {
    verdicts: classification === undefined ? [] : judge(rules, classification, facts),
    lossMs: facts.lossMs,
  }
}

/** Throws `policy` with all that is not met, unless it is an emergency: then it says what is overridden. */
export async function heedMigrationPolicy(
  policy: MigrationPolicy,
  planned: Judged,
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<MigrationPolicyRecord> {
  const { classification, classified, job, rtoMs, rpoMs, emergency } = policy
  const { verdicts, lossMs } = await judgeMigration(policy, planned, signal)
  const broken = brokenOf(verdicts)
  if (!emergency && classification !== undefined) {
    const what = `start '${planned.runbook.way}'`
    const refused = refusal({
      what,
      classification,
      classified,
      verdicts,
      keptIn: 'journal, report and audit log say',
    })
    if (refused !== undefined) throw refused
  }
  if (emergency) {
    const told = broken.map(({ rule, found }) => `${rule} (${found})`)
    onEvent({
      kind: 'warning',
      message: `emergency: ${told.length === 0 ? 'nothing had to be overridden' : `overridden: ${told.join(', ')}`}`,
      hint: 'journal, report and audit log say so; mend it when the data is safe',
    })
  }
  // Whoever moves no data keeps no promise of how it is moved.
  const promises = planned.runbook.carries === undefined ? {} : { rtoMs, rpoMs }
  return {
    ...{ classification: classification ?? null, classified, job: job ?? null },
    ...{ rtoMs: promises.rtoMs ?? null, rpoMs: promises.rpoMs ?? null },
    lossMs: lossMs.known ? lossMs.value : null,
    rules: verdicts.map(({ rule, state, found }) => ({ rule, state, found })),
    emergency: emergency ? { overridden: broken.map(({ rule }) => rule) } : null,
  }
}
