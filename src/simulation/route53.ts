import type { DnsRecord, Route53Port } from '../runbooks/ports/route53.ts'
import { found, mustBeNew, refuse } from './checks.ts'
import { DURATIONS } from './durations.ts'
import type { World } from './world.ts'

/** Its control plane is in us-east-1, and dies with it. */
export const GLOBAL_REGION = 'us-east-1'

export function createRoute53(world: World): Route53Port {
  const on = (operation: string) => ({
    operation: `route53:${operation}`,
    state: world.region(GLOBAL_REGION),
    world,
  })
  const zoneOf = (operation: string, id: string) => found(on(operation), world.zones.get(id), id)
  const same = (a: DnsRecord, b: DnsRecord) =>
    a.name === b.name && a.type === b.type && a.setIdentifier === b.setIdentifier
  return {
    zones: (signal) =>
      world.call('route53:ListHostedZones', GLOBAL_REGION, 'read', signal, () =>
        [...world.zones.values()].map(({ zone }) => zone),
      ),
    records: (zoneId, signal) =>
      world.call(
        'route53:ListResourceRecordSets',
        GLOBAL_REGION,
        'read',
        signal,
        () => zoneOf('ListResourceRecordSets', zoneId).records,
      ),
    change: (zoneId, changes, _comment, signal) =>
      world.call('route53:ChangeResourceRecordSets', GLOBAL_REGION, 'change', signal, () => {
        const call = on('ChangeResourceRecordSets')
        const zone = zoneOf('ChangeResourceRecordSets', zoneId)
        let records = [...zone.records]
        for (const { action, record } of changes) {
          const there = records.find((each) => same(each, record))
          if (action === 'create' && there !== undefined) refuse(call, 'invalid', `${record.name} exists`)
          if (action === 'delete' && !isSameRecord(there, record))
            refuse(call, 'invalid', `${record.name} was not found as given`)
          records = records.filter((each) => each !== there)
          if (there !== undefined) {
            const untilMs = world.time.nowMs() + (there.ttlSeconds ?? 60) * 1000
            const key = `${there.name}/${there.type}`
            // Whoever asked just before keeps the old answer for its whole time.
            if ((world.dnsCache.get(key)?.untilMs ?? 0) < world.time.nowMs())
              world.dnsCache.set(key, { values: there.values, untilMs })
          }
          if (action === 'delete') continue
          records.push(record)
          // Route 53 gives all weighted records of a name the TTL that was given last.
          if (record.routing?.Weight !== undefined) records = records.map((each) => withTtlOf(record, each))
        }
        zone.records = records
        const changeId = `C${String(world.dnsChanges.size + 1).padStart(13, '0')}`
        world.dnsChanges.set(changeId, 'pending')
        world.time.after(DURATIONS.dns, () => {
          world.dnsChanges.set(changeId, 'insync')
        })
        return { changeId }
      }),
    healthChecks: (signal) =>
      world.call('route53:ListHealthChecks', GLOBAL_REGION, 'read', signal, () =>
        [...world.healthChecks.values()].map(({ id, alarm }) => ({ id, alarm })),
      ),
    createHealthCheck: ({ reference, alarm }, signal) =>
      world.call('route53:CreateHealthCheck', GLOBAL_REGION, 'change', signal, () => {
        mustBeNew(on('CreateHealthCheck'), world.healthChecks.has(reference), reference)
        const id = `00000000-0000-4000-8000-${String(world.healthChecks.size + 1).padStart(12, '0')}`
        world.healthChecks.set(reference, { id, alarm })
        return { id }
      }),
    changeStatus: (changeId, signal) =>
      world.call('route53:GetChange', GLOBAL_REGION, 'read', signal, () =>
        found(on('GetChange'), world.dnsChanges.get(changeId), changeId),
      ),
  }
}

function withTtlOf({ name, type, ttlSeconds }: DnsRecord, other: DnsRecord): DnsRecord {
  const isOfGroup = other.name === name && other.type === type && other.ttlSeconds !== undefined
  return isOfGroup && ttlSeconds !== undefined ? { ...other, ttlSeconds } : other
}

function isSameRecord(there: DnsRecord | undefined, record: DnsRecord): boolean {
  const plain = (each: DnsRecord | undefined) => JSON.stringify([each?.ttlSeconds, each?.values, each?.alias])
  return there !== undefined && plain(there) === plain(record)
}
