import { LifeboatError } from '../core/errors.ts'
import type { CutoverKind, CutoverOptions } from './cutover-options.ts'
import type { DnsRecord, HostedZone } from './ports/route53.ts'
import type { CloudPorts } from './ports.ts'
import { plainHost, sameHost } from './read-endpoint.ts'
import { type RecordChange, shownRecord } from './record-change.ts'

/** Low enough for a switch, and what Route 53's own advice for failover is. */
export const CUTOVER_TTL_SECONDS = 60

export interface CutoverFacts {
  readonly changes: readonly RecordChange[]
  /** What names the old database too and is left as it is, each with why. */
  readonly left: readonly string[]
  /** Private zones of these records that nobody in the target region gets an answer from. */
  readonly unheard: readonly { readonly id: string; readonly name: string }[]
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
      ...{ left: [], unheard: [] },
    }
  const addresses = await addressesOf(options, resolver, signal)
  const changes: RecordChange[] = []
  const left: string[] = []
  const unheard: HostedZone[] = []
  for (const zone of await route53.zones(signal)) {
    const records = await route53.records(zone.id, signal)
    const found = records.filter((record) => isSwitched(record, options))
    changes.push(...changesOf(kind, options, zone, found, records))
    for (const record of records) {
      const why = found.includes(record) ? undefined : whyLeft(record, options, addresses, found)
      if (why !== undefined) left.push(`${record.name} (${shownRecord(record)}) in zone ${zone.name}: ${why}`)
    }
    if (zone.private && found.length > 0 && !zone.vpcs.some(({ region }) => region === options.target))
      unheard.push(zone)
  }
  const found = changes.flatMap(({ before, also = [] }) => [before, ...also.map((each) => each.before)])
  const missing = options.records.filter((name) => !found.some((record) => plainHost(record.name) === name))
  if (missing.length > 0 || changes.length === 0) throw noRecord(options, missing, left)
  return { changes, left, unheard: unheard.map(({ id, name }) => ({ id, name })) }
}

async function addressesOf(
  { from, resolvers }: CutoverOptions,
  resolver: CloudPorts['resolver'],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(
    ['A', 'AAAA'].map((type) => resolver.answers(from.host, type, resolvers, signal)),
  )
  return new Set(answers.flat().flatMap(({ values }) => values))
}

function isSwitched(record: DnsRecord, options: CutoverOptions): boolean {
  return pointsAt(record, options.from.host) && isWanted(record, options) && !isOfPolicy(record)
}

/** A traffic policy makes it anew: Route 53 takes no change of such a record. */
function isOfPolicy({ routing }: DnsRecord): boolean {
  return routing?.TrafficPolicyInstanceId !== undefined
}

function pointsAt({ type, values }: DnsRecord, host: string): boolean {
  return type === 'CNAME' && values.some((value) => sameHost(value, host))
}

function isWanted({ name }: DnsRecord, { records }: CutoverOptions): boolean {
  return records.length === 0 || records.includes(plainHost(name))
}

function changesOf(
  kind: CutoverKind,
  { to }: CutoverOptions,
  { id, name, private: isPrivate }: HostedZone,
  found: readonly DnsRecord[],
  records: readonly DnsRecord[],
): RecordChange[] {
  const zone = { zoneId: id, zoneName: name, private: isPrivate }
  if (kind !== 'prepare') {
    const values = to === null ? {} : { values: [to.host] }
    return found.map((before) => {
      // Records of one name have one TTL: it is for prepare to lower that, of all of them.
      const after = before.setIdentifier === undefined ? lowered(before) : before
      return { ...zone, before, after: { ...after, ...values } }
    })
  }
  const firsts = found.filter((record, index) => found.findIndex((each) => isOneName(each, record)) === index)
  return firsts.map((before) => {
    const others = records.filter(
      (each) =>
        each !== before && isOneName(each, before) && each.ttlSeconds !== undefined && !isOfPolicy(each),
    )
    const also = others.map((each) => ({ before: each, after: lowered(each) }))
    return { ...zone, before, after: lowered(before), ...(also.length > 0 && { also }) }
  })
}

function lowered(record: DnsRecord): DnsRecord {
  const ttlSeconds = Math.min(record.ttlSeconds ?? CUTOVER_TTL_SECONDS, CUTOVER_TTL_SECONDS)
  return { ...record, ttlSeconds }
}

function isOneName(a: DnsRecord, b: DnsRecord): boolean {
  return a.name === b.name && a.type === b.type
}

/** A copy of the address, a text, a port record: nobody can tell what the owner wants there. */
function whyLeft(
  record: DnsRecord,
  { from }: CutoverOptions,
  addresses: ReadonlySet<string>,
  switched: readonly DnsRecord[],
): string | undefined {
  const { type, values, alias } = record
  if (isOfPolicy(record) && pointsAt(record, from.host))
    return 'a traffic policy makes it: give that a new version with the new endpoint'
  if (pointsAt(record, from.host)) return 'it was not named with --record'
  if (['A', 'AAAA'].includes(type) && values.some((value) => addresses.has(value)))
    return 'it holds the address of the old endpoint, which changes at any time: make it a CNAME'
  const names = alias === undefined ? (type === 'CNAME' ? values : []) : [alias.host]
  const followed = switched.find(({ name }) => names.some((each) => sameHost(each, name)))
  if (followed !== undefined) return `it follows ${followed.name} by itself`
  if (alias !== undefined && sameHost(alias.host, from.host)) return 'it is an alias'
  const kin = names.find((each) => isKin(each, from.host))
  if (kin !== undefined)
    return `${kin} is another endpoint of the same cluster: switch it by a run of its own, --from ${kin}:${from.port}`
  if (values.some((value) => value.toLowerCase().includes(plainHost(from.host))))
    return `a record of type ${type} is not changed`
  return undefined
}

/** `shop.cluster-c1x2.…`, `shop.cluster-ro-c1x2.…`: writer and readers of one cluster. A custom endpoint has a name of its own. */
function isKin(host: string, from: string): boolean {
  const parts = (name: string) =>
    /^([^.]+)\.cluster-(?:ro-|custom-)?([^.-]+)\.([a-z0-9-]+\.rds\.amazonaws\.com(?:\.cn)?)$/.exec(
      plainHost(name),
    )
  const [one, other] = [parts(host), parts(from)]
  if (one === null || other === null || sameHost(host, from)) return false
  const isCustom = plainHost(host).includes('.cluster-custom-')
  return one[2] === other[2] && one[3] === other[3] && (isCustom || one[1] === other[1])
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
