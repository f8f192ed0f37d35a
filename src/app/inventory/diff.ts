import { LifeboatError } from '../../core/errors.ts'
import { flatten } from './flatten.ts'
import type { Inventory, RegionInventory, Section } from './record.ts'

export interface FieldChange {
  readonly field: string
  /** Null where it was not there, or is not any more. */
  readonly before: string | null
  readonly after: string | null
}

export interface Change {
  /** Null for what has no region. */
  readonly region: string | null
  readonly what: Section | 'dns' | 'roles'
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly fields: readonly FieldChange[]
}

export interface Drift {
  readonly changes: readonly Change[]
  /** What one of the two does not know: it may have changed. */
  readonly notCompared: readonly {
    readonly region: string | null
    readonly what: string
    readonly reason: string
  }[]
}

type Things = ReadonlyMap<string, object>

/** How the things of a section are told apart, and what of them changes by itself. */
const SECTIONS: {
  readonly [S in Section]: {
    readonly name: (thing: RegionInventory[S][number]) => string
    readonly keep?: (thing: RegionInventory[S][number]) => boolean
    readonly volatile?: readonly string[]
  }
} = {
  instances: { name: ({ id }) => id, volatile: ['status', 'latestRestorable', 'replicationError'] },
  clusters: { name: ({ id }) => id, volatile: ['status', 'latestRestorable'] },
  globalClusters: { name: ({ id }) => id, volatile: ['status', 'synchronization', 'failover'] },
  // The others come and go by the day.
  snapshots: {
    name: ({ kind, id }) => `${kind} ${id}`,
    keep: ({ type }) => type === 'manual',
    volatile: ['status', 'percent'],
  },
  replicatedBackups: { name: ({ arn }) => arn, volatile: ['status', 'earliest', 'latest'] },
  subnetGroups: { name: ({ name }) => name },
  subnets: { name: ({ id }) => id, volatile: ['freeAddresses'] },
  vpcs: { name: ({ id }) => id },
  securityGroups: { name: ({ id }) => id },
  instanceParameterGroups: { name: ({ name }) => name },
  clusterParameterGroups: { name: ({ name }) => name },
  optionGroups: { name: ({ name }) => name },
  keys: { name: ({ arn }) => arn },
  alarms: { name: ({ name }) => name, volatile: ['state'] },
}

/** What has changed from one inventory to another of the same region. */
export function diffInventories(before: Inventory, after: Inventory): Drift {
  if (before.source !== after.source) {
    throw new LifeboatError(
      'usage',
      `unable to compare inventories '${before.id}' and '${after.id}': one is of ${before.source}, the other of ${after.source}`,
      { hint: 'Name two inventories of one region; lifeboat inventory show names the region of each.' },
    )
  }
  const changes: Change[] = []
  const notCompared: Drift['notCompared'][number][] = [...before.unknown, ...after.unknown].map(
    ({ region, what, of, reason }) => ({
      region: region ?? null,
      what: of === undefined ? what : `${what} ${of}`,
      reason,
    }),
  )
  const scopes = [before, after].map(({ databases }) => databases?.toSorted().join(', ') ?? 'all databases')
  if (scopes[0] !== scopes[1]) {
    const reason = `one is of ${scopes[0]}, the other of ${scopes[1]}`
    notCompared.push({ region: before.source, what: 'databases', reason })
  }
  for (const region of new Set(
    [before, after].flatMap(({ regions }) => regions.map((each) => each.region)),
  )) {
    const [old, now] = [before, after].map(({ regions }) => regions.find((each) => each.region === region))
    if (old === undefined || now === undefined) {
      const [knows] = old === undefined ? [after] : [before]
      notCompared.push({ region, what: 'all', reason: `only inventory ${knows?.id} has this region` })
    } else {
      changes.push(...regionChanges(old, now, [before, after]))
    }
  }
  const dns = changesOf(dnsThings(before), dnsThings(after), new Set())
  const unknownDns = [...before.unknown, ...after.unknown].filter(({ what }) => what === 'dns')
  const zones = new Set(unknownDns.flatMap(({ of }) => of ?? []))
  changes.push(
    ...dns
      .filter(
        ({ name }) => unknownDns.every(({ of }) => of !== undefined) && !zones.has(name.split(' ')[0] ?? ''),
      )
      .map((change) => ({ region: null, what: 'dns' as const, ...change })),
  )
  const unknownRoles = new Set(
    [...before.unknown, ...after.unknown].flatMap(({ what, of }) => (what === 'roles' ? (of ?? []) : [])),
  )
  changes.push(
    ...changesOf(roleThings(before), roleThings(after), new Set())
      .filter(({ name }) => !unknownRoles.has(name))
      .map((change) => ({ region: null, what: 'roles' as const, ...change })),
  )
  return { changes, notCompared: uniqueBy(notCompared) }
}

function regionChanges(
  old: RegionInventory,
  now: RegionInventory,
  inventories: readonly Inventory[],
): Change[] {
  const { region } = old
  const unknown = inventories.flatMap((inventory) =>
    inventory.unknown.filter((each) => each.region === region),
  )
  return (Object.keys(SECTIONS) as Section[]).flatMap((what) => {
    const own = unknown.filter((each) => each.what === what)
    if (own.some(({ of }) => of === undefined)) return []
    const blind = new Set(own.flatMap(({ of = '' }) => [of, of.replace(/^(policy|tags) of /, '')]))
    const { volatile = [] } = SECTIONS[what]
    return changesOf(thingsOf(old, what), thingsOf(now, what), new Set(volatile))
      .filter(({ name }) => !blind.has(name))
      .map((change) => ({ region, what, ...change }))
  })
}

function thingsOf<S extends Section>(region: RegionInventory, what: S): Things {
  const { name, keep = () => true } = SECTIONS[what]
  const things: readonly RegionInventory[S][number][] = region[what]
  return new Map(things.filter(keep).map((thing) => [name(thing), thing]))
}

function roleThings({ roles }: Inventory): Things {
  return new Map(roles.map((role) => [role.arn, role]))
}

function dnsThings({ dns }: Inventory): Things {
  return new Map(
    dns.flatMap(({ zone, records }) =>
      records.map((record): [string, object] => [
        [zone.name, record.name, record.type, record.setIdentifier ?? ''].join(' ').trim(),
        record,
      ]),
    ),
  )
}

function changesOf(
  before: Things,
  after: Things,
  volatile: ReadonlySet<string>,
): Pick<Change, 'name' | 'change' | 'fields'>[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names.flatMap((name): Pick<Change, 'name' | 'change' | 'fields'>[] => {
    const [old, now] = [before.get(name), after.get(name)]
    if (old === undefined) return [{ name, change: 'added', fields: [] }]
    if (now === undefined) return [{ name, change: 'removed', fields: [] }]
    const fields = fieldChanges(old, now, volatile)
    return fields.length === 0 ? [] : [{ name, change: 'changed', fields }]
  })
}

function fieldChanges(old: object, now: object, volatile: ReadonlySet<string>): FieldChange[] {
  const [before, after] = [flatten(old, volatile), flatten(now, volatile)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((field) => ({ field, before: before.get(field) ?? null, after: after.get(field) ?? null }))
    .filter((change) => change.before !== change.after)
}

function uniqueBy<T extends object>(things: readonly T[]): T[] {
  return [...new Map(things.map((thing) => [JSON.stringify(thing), thing])).values()]
}
