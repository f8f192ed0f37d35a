import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { RunName } from '../core/runbook.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import {
  heedMigrationPolicy,
  type MigrationPolicy,
  type MigrationPolicyRecord,
} from './policy/heed-migration.ts'
import type { OnEvent } from './run-event.ts'
import type { RunbookRequest } from './run-runbook.ts'
import type { RunbookJournal } from './runbook-journal.ts'

/** What is about to be carried out, for an audit log. */
export interface RecordedRun {
  readonly run: string
  readonly way: string
  readonly flags: WayFlags
  readonly job: string | undefined
  /** What the new database is called, where the way makes one. */
  readonly makes: string | undefined
  readonly emergency: { readonly overridden: readonly string[] } | undefined
}

export interface MigrationGuard {
  /** Asked once it is known what the run is about. */
  policyOf(flags: WayFlags): Promise<MigrationPolicy>
  /**
   * Does the work between the two records of the run. Where it can't be recorded nothing is done, or in an emergency it goes on with
   * what else is overridden.
   */
  recorded<T>(run: RecordedRun, work: (overridden: readonly string[]) => Promise<T>): Promise<T>
}

interface Subject {
  readonly flags: WayFlags
  readonly ports: CloudPorts
  readonly clock: Clock
  readonly login: boolean
}

/** Judged before anything is carried out, and recorded while it is. */
export function guardedBy(
  guard: MigrationGuard,
  { flags, ports, clock, login }: Subject,
  {
    run,
    journal,
    onEvent,
  }: { readonly run: RunName; readonly journal: RunbookJournal; readonly onEvent: OnEvent },
  signal: AbortSignal,
): NonNullable<RunbookRequest<WayFlags, CloudPorts>['around']> {
  return async (planned, carryOut) => {
    const kept = keptPolicy(journal)
    const policy = merged(await guard.policyOf(flags), kept, run.id)
    // A copy does not grow old while it is on its way.
    const lossMs = kept === undefined ? undefined : kept.lossMs
    const record = await heedMigrationPolicy(
      policy,
      { ...planned, ports, clock, login, lossMs },
      onEvent,
      signal,
    )
    const { way, makes } = planned.runbook
    const about: RecordedRun = {
      ...{ run: run.id, way, flags, job: policy.job, makes: makes?.id },
      emergency: record.emergency ?? undefined,
    }
    return await guard.recorded(about, (overridden) =>
      carryOut(isSaid(policy) ? { ...record, emergency: record.emergency && { overridden } } : undefined),
    )
  }
}

function isSaid({ classification, rtoMs, rpoMs, emergency }: MigrationPolicy): boolean {
  return classification !== undefined || rtoMs !== undefined || rpoMs !== undefined || emergency
}

export function keptPolicy({ records }: Pick<RunbookJournal, 'records'>): MigrationPolicyRecord | undefined {
  const found = records.findLast((record) => record.event === 'policy')
  return found?.event === 'policy' ? found : undefined
}

/** What a resumed run is not given anew stays as it was. */
function merged(
  given: MigrationPolicy,
  kept: MigrationPolicyRecord | undefined,
  run: string,
): MigrationPolicy {
  if (kept === undefined) return given
  const { classification, job } = given
  if (
    job === undefined &&
    classification !== undefined &&
    kept.classification !== null &&
    kept.classification !== classification
  ) {
    throw new LifeboatError(
      'usage',
      `unable to resume run '${run}': it is held to class ${kept.classification}, and --classification is ${classification}`,
      {
        hint: 'Leave out --classification; if the data must be out now, --emergency overrides what the class demands.',
      },
    )
  }
  return {
    classification: classification ?? kept.classification ?? undefined,
    classified: classification === undefined ? kept.classified : given.classified,
    job: job ?? kept.job ?? undefined,
    rtoMs: given.rtoMs ?? kept.rtoMs ?? undefined,
    rpoMs: given.rpoMs ?? kept.rpoMs ?? undefined,
    audit: given.audit,
    emergency: given.emergency || kept.emergency !== null,
  }
}
