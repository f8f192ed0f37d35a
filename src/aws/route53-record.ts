import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import type { DnsRecord } from '../runbooks/ports/route53.ts'
import { unfoldRouting } from '../runbooks/ports/route53-routing.ts'
import { given, known } from './answer.ts'

type Leaf = string | number
/** Fields that say which of several records of a name is answered; kept whole, since a deletion must name them all. */
const ROUTING = [
  'Weight',
  'Region',
  'GeoLocation',
  'Failover',
  'MultiValueAnswer',
  'CidrRoutingConfig',
  'GeoProximityLocation',
  'TrafficPolicyInstanceId',
] as const satisfies readonly (keyof ResourceRecordSet)[]

export function recordOf(from: ResourceRecordSet): DnsRecord {
  const routing = Object.fromEntries(ROUTING.flatMap((name) => leaves(name, from[name])))
  return {
    name: withoutDot(from.Name),
    type: given(from.Type, 'Type'),
    values: (from.ResourceRecords ?? []).map(({ Value }) => Value ?? ''),
    ...known({
      ttlSeconds: from.TTL,
      setIdentifier: from.SetIdentifier,
      routing: Object.keys(routing).length === 0 ? undefined : routing,
      healthCheckId: from.HealthCheckId,
      alias:
        from.AliasTarget === undefined
          ? undefined
          : {
              zoneId: from.AliasTarget.HostedZoneId ?? '',
              host: withoutDot(from.AliasTarget.DNSName ?? ''),
              evaluateHealth: from.AliasTarget.EvaluateTargetHealth ?? false,
            },
    }),
  }
}

export function recordSetOf(record: DnsRecord): ResourceRecordSet {
  return {
    Name: record.name,
    // What Route 53 has is a type that it knows.
    Type: record.type as ResourceRecordSet['Type'],
    ...unfoldRouting(record.routing ?? {}),
    ...(record.alias === undefined
      ? { ResourceRecords: record.values.map((Value) => ({ Value })) }
      : {
          AliasTarget: {
            HostedZoneId: record.alias.zoneId,
            DNSName: record.alias.host,
            EvaluateTargetHealth: record.alias.evaluateHealth,
          },
        }),
    ...known({
      TTL: record.ttlSeconds,
      SetIdentifier: record.setIdentifier,
      HealthCheckId: record.healthCheckId,
    }),
  }
}

export function withoutDot(name: string | undefined): string {
  return (name ?? '').replace(/\.$/, '')
}

/** `GeoLocation: { CountryCode: 'DE' }` as `GeoLocation.CountryCode`. */
function leaves(path: string, value: unknown): [string, Leaf][] {
  if (value === undefined || value === null) return []
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([name, inner]) => leaves(`${path}.${name}`, inner))
  }
  return [[path, typeof value === 'number' ? value : String(value)]]
}
