import { lookUp, refuse, toMs } from './job.ts'
import type { LoadedConfig } from './load.ts'

/** What of AWS is written down with each dump of a job. */
export interface ResolvedInventory {
  readonly region: string
  readonly target: string | undefined
  readonly databases: readonly string[] | undefined
  readonly profile: string | undefined
  readonly timeoutMs: number | undefined
}

/** As a whole the job's, or that of the defaults: never half of each. Undefined where nobody wants one. */
export function resolveInventory(loaded: LoadedConfig, name: string): ResolvedInventory | undefined {
  const { config } = loaded
  const wanted = lookUp(loaded, 'job', name, config.jobs).inventory ?? config.defaults?.inventory
  if (wanted === undefined) return undefined
  const { region, target, databases, profile, timeout } = wanted
  if (region === target) {
    throw refuse(
      loaded,
      `the inventory of job '${name}' has ${region} for region and target`,
      'Take target out, or name the region that the database would go to.',
    )
  }
  return { region, target, databases, profile, timeoutMs: toMs(loaded, 'inventory.timeout', timeout) }
}
