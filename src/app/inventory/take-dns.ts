import type { DnsRecord, Route53Port } from '../../runbooks/ports/route53.ts'
import type { Asker } from './asker.ts'
import type { ZoneRecords } from './record.ts'

/** The records that lead to one of the hosts, straight or by other records. */
export async function takeDns(
  route53: Route53Port,
  hosts: readonly string[],
  asker: Asker,
): Promise<ZoneRecords[]> {
  if (hosts.length === 0) return []
  const zones =
    (await asker.ask({ what: 'dns', service: 'route53' }, (signal) => route53.zones(signal))) ?? []
  const found = await Promise.all(
    zones.map(async (zone) => ({
      zone,
      records:
        (await asker.ask({ what: 'dns', of: zone.name, service: 'route53' }, (signal) =>
          route53.records(zone.id, signal),
        )) ?? [],
    })),
  )
  return leadingTo(found, hosts)
}

export function leadingTo(zones: readonly ZoneRecords[], hosts: readonly string[]): ZoneRecords[] {
  const names = new Set(hosts.map(plain))
  const kept = new Set<DnsRecord>()
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    for (const { records } of zones) {
      for (const record of records) {
        const targets = [...record.values, ...(record.alias === undefined ? [] : [record.alias.host])]
        if (!targets.some((each) => names.has(plain(each)))) continue
        kept.add(record)
        names.add(plain(record.name))
      }
    }
  }
  return zones
    .map(({ zone, records }) => ({ zone, records: records.filter((record) => kept.has(record)) }))
    .filter(({ records }) => records.length > 0)
}

function plain(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}
