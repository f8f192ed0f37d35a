import { NO_JOB } from '../app/inventory/store.ts'
import { defaults } from '../config/defaults.ts'
import { needConfig } from '../config/find-config.ts'
import { resolveInventory } from '../config/inventory.ts'
import { resolveJob, resolveSigning } from '../config/job.ts'
import { checkJobName } from '../core/backup-layout.ts'
import { LifeboatError } from '../core/errors.ts'
import { checkRegionName } from '../core/region-name.ts'
import {
  type PlannedSigning,
  type PlannedSink,
  plannedSink,
  planRecipients,
  planSigning,
} from './dump-plan.ts'
import type { InventoryOptions } from './inventory.ts'
import { need } from './options.ts'
import type { VerbContext } from './run-verb.ts'

/** One inventory, with every setting decided. */
export interface InventoryPlan {
  readonly source: string
  readonly target: string | undefined
  readonly databases: readonly string[] | undefined
  readonly profile: string | undefined
  readonly timeoutMs: number
  readonly job: string
  /** Undefined: the one of `--to`. */
  readonly sinks: readonly PlannedSink[] | undefined
  readonly recipients: readonly string[]
  readonly signing: PlannedSigning
}

/** With `--source` and `--to` the flags say all; without one of them, the job of the configuration does. */
export async function planInventory(options: InventoryOptions, context: VerbContext): Promise<InventoryPlan> {
  const flags = {
    ...(options.target !== undefined && { target: checkRegionName(options.target, '--target') }),
    ...(options.db !== undefined && { databases: options.db }),
    ...(options.profile !== undefined && { profile: options.profile }),
  }
  if (options.job === undefined || (options.source !== undefined && options.to !== undefined)) {
    const source = need(options.source, '--source', 'the region', 'eu-west-1 (or a job: --job shop)')
    need(options.to, '--to', 'the sink', 'file:///path, s3://bucket/prefix or ssh://user@host/path')
    return checked({
      ...{ target: undefined, databases: undefined, profile: undefined, ...flags },
      source: checkRegionName(source, '--source'),
      timeoutMs: options.timeout ?? defaults.inventoryTimeoutMs,
      job: checkJobName(options.job ?? NO_JOB),
      sinks: undefined,
      recipients: planRecipients(options, undefined),
      signing: planSigning(options, {}),
    })
  }
  const loaded = await needConfig(options.config, context.environment)
  const job = resolveJob(loaded, options.job)
  const own = resolveInventory(loaded, options.job)
  const source = options.source ?? own?.region
  if (source === undefined) {
    throw new LifeboatError('config', `unable to start: job '${job.name}' does not say of which region`, {
      hint: `Write jobs.${job.name}.inventory: { region: eu-west-1 }, or add --source eu-west-1`,
    })
  }
  return checked({
    target: own?.target,
    databases: own?.databases,
    profile: own?.profile,
    ...flags,
    source: checkRegionName(source, '--source'),
    timeoutMs: options.timeout ?? own?.timeoutMs ?? defaults.inventoryTimeoutMs,
    job: checkJobName(job.name),
    sinks: options.to === undefined ? job.sinks.map(plannedSink) : undefined,
    recipients: planRecipients(options, job),
    signing: planSigning(options, resolveSigning(loaded)),
  })
}

function checked(plan: InventoryPlan): InventoryPlan {
  if (plan.source !== plan.target) return plan
  throw new LifeboatError('usage', 'unable to start: --source and --target are the same region', {
    hint: 'Name two regions, or leave out --target.',
  })
}
