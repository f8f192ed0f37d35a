import { LifeboatError } from '../core/errors.ts'
import { type CutoverKind, type CutoverOptions, plainHost, sameHost } from './cutover-options.ts'
import type { DnsRecord, HostedZone } from './ports/route53.ts'
import type { CloudPorts } from './ports.ts'
import { type RecordChange, shownRecord } from './record-change.ts'

/** Low enough for a switch, and what Route 53's own advice for failover is. */
export const CUTOVER_TTL_SECONDS = 60

export interface CutoverFacts {
  readonly changes: readonly RecordChange[]
  /** What names the old database too and is left as it is, each with why. */
  readonly left: readonly string[]
}

/** Every record of every zone that sends clients to the old endpoint, public and private. */
export async function gatherCutover(
  kind: CutoverKind,
  options: CutoverOptions,
  { route53, resolver }: CloudPorts,
  signal: AbortSignal,
): Promise<CutoverFacts> {
  if (kind === 'rollback')
    return {
      changes: options.kept.map(({ before, after, ...zone }) => ({ ...zone, before: after, after: before })),
      left: [],
    }
  const answers = await resolver.answers(options.from.host, 'A', options.resolvers, signal)
  const addresses = new Set(answers.flatMap(({ values }) => values))
  const changes: RecordChange[] = []
  const left: string[] = []
  for (const zone of await route53.zones(signal)) {
    for (const record of await route53.records(zone.id, signal)) {
      if (pointsAt(record, options.from.host) && isWanted(record, options))
        changes.push(changeOf(kind, options, zone, record))
      else {
        const why = whyLeft(record, options, addresses)
        if (why !== undefined)
          left.push(`${record.name} (${shownRecord(record)}) in zone ${zone.name}: ${why}`)
      }
    }
  }
  const found = changes.map(({ before }) => before.name)
  const missing = options.records.filter((name) => !found.includes(name))
  if (missing.length > 0 || changes.length === 0) throw noRecord(options, missing, left)
  return { changes, left }
}

function pointsAt({ type, values }: DnsRecord, host: string): boolean {
  return type === 'CNAME' && values.some((value) => sameHost(value, host))
}

function isWanted({ name }: DnsRecord, { records }: CutoverOptions): boolean {
  return records.length === 0 || records.includes(plainHost(name))
}

function changeOf(
  kind: CutoverKind,
  { to }: CutoverOptions,
  { id, name, private: isPrivate }: HostedZone,
  before: DnsRecord,
): RecordChange {
  const ttlSeconds = Math.min(before.ttlSeconds ?? CUTOVER_TTL_SECONDS, CUTOVER_TTL_SECONDS)
  const values = kind === 'prepare' || to === null ? before.values : [to.host]
  return {
    ...{ zoneId: id, zoneName: name, private: isPrivate, before },
    after: { ...before, ttlSeconds, values },
  }
}

/** A copy of the address, a text, a port record: nobody can tell what the owner wants there. */
function whyLeft(
  record: DnsRecord,
  { from }: CutoverOptions,
  addresses: ReadonlySet<string>,
): string | undefined {
  if (pointsAt(record, from.host)) return 'it was not named with --record'
  if (record.type === 'A' && record.values.some((value) => addresses.has(value)))
    return 'it holds the address of the old endpoint, which changes at any time: make it a CNAME'
  if (record.alias !== undefined && sameHost(record.alias.host, from.host)) return 'it is an alias'
  if (record.values.some((value) => value.toLowerCase().includes(plainHost(from.host))))
    return `a record of type ${record.type} is not changed`
  return undefined
}

function noRecord(
  { from, records }: CutoverOptions,
  missing: readonly string[],
  left: readonly string[],
): LifeboatError {
  const what = records.length === 0 ? 'no record' : `none of the name ${missing.join(', ')}`
  const others = left.length === 0 ? '' : `; what names it otherwise: ${left.join('; ')}`
  return new LifeboatError(
    'step-failed',
    `unable to cut over from '${from.host}': ${what} in Route 53 points at it${others}`,
    {
      hint: 'Look whether --from is the endpoint as the record has it, and whether this account holds the zone; else change the names where they are kept.',
    },
  )
}
