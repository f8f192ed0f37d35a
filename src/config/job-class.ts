import type { Classification } from '../core/classification.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import { LifeboatError } from '../core/errors.ts'
import { regionOfDatabaseHost } from '../core/rds-region.ts'
import { lookUp, toAgeMs } from './job.ts'
import type { LoadedConfig } from './load.ts'

/** What a job says of how its database is guarded, and nothing else: a slip elsewhere in it matters to nobody who moves the database. */
export interface JobClass {
  readonly name: string
  /** `regulated` where nobody said one. */
  readonly classification: Classification
  readonly classified: boolean
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
}

export function resolveJobClass(loaded: LoadedConfig, name: string): JobClass {
  const { config } = loaded
  const job = lookUp(loaded, 'job', name, config.jobs)
  const classification = job.classification ?? config.defaults?.classification
  return {
    ...{ name, classification: classification ?? 'regulated', classified: classification !== undefined },
    rtoMs: toAgeMs(loaded, 'rto', job.rto ?? config.defaults?.rto),
    rpoMs: toAgeMs(loaded, 'rpo', job.rpo ?? config.defaults?.rpo),
  }
}

/** A database as AWS knows it, or by its endpoints. */
export interface NamedDatabase {
  readonly region: string | undefined
  readonly id: string | undefined
  readonly hosts: readonly string[]
}

const STRICTEST: readonly Classification[] = ['regulated', 'business-critical', 'development']

/**
 * The job that is about a database: its source is there, or its inventory names it. Of several the strictest; a promise is the shortest that
 * any of them makes.
 */
export function jobAbout(loaded: LoadedConfig, database: NamedDatabase): JobClass | undefined {
  const found = Object.keys(loaded.config.jobs ?? {})
    .filter((name) => isAbout(loaded, name, database))
    .map((name) => resolveJobClass(loaded, name))
    .sort((a, b) => STRICTEST.indexOf(a.classification) - STRICTEST.indexOf(b.classification))
  const [first] = found
  return first && { ...first, rtoMs: least(found, 'rtoMs'), rpoMs: least(found, 'rpoMs') }
}

function least(jobs: readonly JobClass[], promise: 'rtoMs' | 'rpoMs'): number | undefined {
  const all = jobs.flatMap((job) => job[promise] ?? [])
  return all.length === 0 ? undefined : Math.min(...all)
}

function isAbout({ config }: LoadedConfig, name: string, { region, id, hosts }: NamedDatabase): boolean {
  const { source, inventory = config.defaults?.inventory } = config.jobs?.[name] ?? {}
  const host = hostOf(typeof source === 'string' ? source : source?.url)
  if (host !== undefined && hosts.includes(host)) return true
  if (id === undefined || region === undefined) return false
  // `shop.c1x2.eu-west-1.rds.amazonaws.com`, and `shop.cluster-c1x2.…` for a cluster.
  if (host?.split('.')[0] === id && regionOfDatabaseHost(host) === region) return true
  return inventory?.region === region && inventory.databases?.includes(id) === true
}

function hostOf(url: string | undefined): string | undefined {
  try {
    return url === undefined ? undefined : parseDatabaseUrl(url).host?.toLowerCase()
  } catch (thrown) {
    // It leads nowhere, so to no database either; `config check` says what is wrong with it.
    if (thrown instanceof LifeboatError && thrown.code !== 'internal') return undefined
    throw thrown
  }
}
