import { LifeboatError } from '../core/errors.ts'
import type { Endpoint } from './ports/rds.ts'
import { plainHost, readEndpoint, sameHost } from './read-endpoint.ts'
import type { RecordChange } from './record-change.ts'
import { accepted, need, needRegions, type WayFlags } from './way-flags.ts'

export const CUTOVERS = ['prepare', 'run', 'rollback'] as const
export type CutoverKind = (typeof CUTOVERS)[number]

export interface CutoverOptions {
  readonly source: string
  readonly target: string
  /** Of the database that clients leave. */
  readonly from: Endpoint
  /** Of the one that they go to; null where nothing switches yet. */
  readonly to: Endpoint | null
  readonly records: readonly string[]
  readonly resolvers: readonly string[]
  readonly templates: readonly string[]
  /** To be restarted by whoever reads the list. */
  readonly services: readonly string[]
  /** Of prepare: a pair of failover records for each plain one. */
  readonly failoverRecords: boolean
  readonly kept: readonly RecordChange[]
  readonly acceptSplitBrain: boolean
  readonly acceptUnseenTarget: boolean
}

export function chooseCutover(kind: CutoverKind, flags: WayFlags): CutoverOptions {
  const dangers = accepted(flags)
  const from = needEndpoint(flags.from, '--from', 'shop.c1x2.eu-west-1.rds.amazonaws.com:3306')
  const failoverRecords = kind === 'prepare' && flags.failoverRecords === true
  const to =
    kind === 'prepare' && !failoverRecords
      ? null
      : needEndpoint(flags.to, '--to', 'shop.c3x4.eu-central-1.rds.amazonaws.com:3306')
  if (to !== null && sameHost(from.host, to.host))
    throw usage(
      '--from and --to are the same host',
      'Name the old endpoint with --from, the new one with --to.',
    )
  return {
    ...needRegions(flags),
    ...{ from, to },
    records: (flags.record ?? []).map(plainHost),
    resolvers: flags.resolver ?? [],
    templates: flags.template ?? [],
    services: flags.service ?? [],
    failoverRecords,
    kept: kind === 'rollback' ? needKept(flags.kept) : [],
    acceptSplitBrain: dangers.includes('split-brain'),
    acceptUnseenTarget: dangers.includes('unseen-target'),
  }
}

function needEndpoint(text: string | undefined, flag: string, example: string): Endpoint {
  return readEndpoint(need(text, flag, example), flag)
}

function needKept(kept: readonly RecordChange[] | undefined): readonly RecordChange[] {
  if (kept === undefined || kept.length === 0)
    throw usage('nothing is known of what to put back', 'Name the run that switched with --of RUN.')
  return kept
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to cut over: ${reason}`, { hint })
}
