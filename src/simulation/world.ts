import type { AccountList } from '../core/accounts.ts'
import { LifeboatError, throwIfAborted } from '../core/errors.ts'
import type { Alarm } from '../runbooks/ports/cloudwatch.ts'
import type { SecurityGroup, Subnet, Vpc } from '../runbooks/ports/ec2.ts'
import type { KmsKey } from '../runbooks/ports/kms.ts'
import type { RdsInstance } from '../runbooks/ports/rds.ts'
import type { ReplicatedBackup, Snapshot } from '../runbooks/ports/rds-backups.ts'
import type { GlobalCluster, RdsCluster } from '../runbooks/ports/rds-clusters.ts'
import type { OptionGroup, Orderable, ParameterGroup, SubnetGroup } from '../runbooks/ports/rds-groups.ts'
import type { DnsRecord, HostedZone, WatchedAlarm } from '../runbooks/ports/route53.ts'
import type { Tags } from '../runbooks/ports.ts'
import { createStrikes, SimulatedCrash, type Strike, struck } from './strikes.ts'
import { createVirtualTime, type VirtualTime } from './virtual-time.ts'

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A thing, and since when a look shows it: RDS is consistent only in a while. */
export interface Shown {
  visibleMs: number
}

export interface SimulatedSnapshot extends Mutable<Snapshot>, Shown {
  startMs?: number
  lastsMs?: number
}

export interface RegionState {
  readonly name: string
  /** `refused`: its control plane gives 5xx; its databases may still run. */
  dead: boolean
  readonly instances: Map<string, Mutable<RdsInstance> & Shown>
  readonly clusters: Map<string, Mutable<RdsCluster> & Shown>
  /** By `kind/id`. */
  readonly snapshots: Map<string, SimulatedSnapshot>
  readonly backups: Map<string, Mutable<ReplicatedBackup>>
  readonly subnetGroups: Map<string, SubnetGroup>
  /** By `of/name`. */
  readonly parameterGroups: Map<string, ParameterGroup>
  readonly optionGroups: Map<string, OptionGroup>
  readonly keys: Map<string, Mutable<KmsKey> & { policy: string; tags: Tags }>
  readonly securityGroups: Map<string, Mutable<SecurityGroup>>
  readonly vpcs: Map<string, Vpc>
  readonly subnets: Map<string, Subnet>
  readonly alarms: Alarm[]
  /** By `metric/instance`. */
  readonly metrics: Map<string, number>
  orderable: readonly Orderable[]
  engineVersions: readonly { readonly engine: string; readonly version: string; readonly family: string }[]
  /** Classes, or `class/zone`, of which there are none left right now. */
  readonly exhausted: Set<string>
  /** `DBInstances`, `ManualSnapshots`. */
  readonly quotas: Map<string, number>
}

export interface MadeCall {
  readonly operation: string
  readonly region: string
  readonly kind: 'read' | 'change'
  readonly atMs: number
  /** Carried out, whatever the answer was. */
  readonly done: boolean
}

/** The cloud in memory: all regions, with one time. */
export interface World {
  readonly account: string
  readonly time: VirtualTime
  readonly calls: readonly MadeCall[]
  region(name: string): RegionState
  readonly globals: Map<string, Mutable<GlobalCluster>>
  readonly zones: Map<string, { readonly zone: HostedZone; records: DnsRecord[] }>
  readonly dnsChanges: Map<string, 'pending' | 'insync'>
  /** By the reference that each was made with. */
  readonly healthChecks: Map<string, { readonly id: string; readonly alarm: WatchedAlarm }>
  /** What resolvers hold of records that have changed, by `name/type`. */
  readonly dnsCache: Map<string, { readonly values: readonly string[]; readonly untilMs: number }>
  /** Hosts where a database answers, and whether it takes writes. */
  readonly databases: Map<string, 'writable' | 'read-only'>
  /** Who may do what there; all others have the same as each other. */
  readonly accounts: Map<string, AccountList>
  readonly deniedActions: Set<string>
  /** Policies of trust, by the ARN of the role. */
  readonly roles: Map<string, string>
  strike(strike: Strike): void
  /** A place where the process may end; the next run starts with `revive`. */
  point(name: string): void
  /** Ends the process at the n-th point from now, from 0. */
  crashAt(point: number): void
  revive(): void
  readonly crashed: boolean
  /** Every call of every port goes through here. */
  call<T>(
    operation: string,
    region: string,
    kind: MadeCall['kind'],
    signal: AbortSignal,
    work: () => T,
  ): Promise<T>
}

const LATENCY_MS = 200

export function createWorld({
  start,
  account = '111122223333',
}: {
  start?: string
  account?: string
} = {}): World {
  const time = createVirtualTime(start)
  const strikes = createStrikes()
  const regions = new Map<string, RegionState>()
  const calls: MadeCall[] = []
  let untilCrash = Number.POSITIVE_INFINITY
  let crashed = false

  function region(name: string): RegionState {
    const known = regions.get(name)
    if (known !== undefined) return known
    const made = createRegion(name)
    regions.set(name, made)
    return made
  }
  function point(name: string): void {
    if (!crashed && untilCrash > 0) {
      untilCrash -= 1
      return
    }
    crashed = true
    throw new SimulatedCrash(name)
  }
  return {
    account,
    time,
    calls,
    region,
    globals: new Map(),
    zones: new Map(),
    dnsChanges: new Map(),
    healthChecks: new Map(),
    dnsCache: new Map(),
    databases: new Map(),
    accounts: new Map(),
    deniedActions: new Set(),
    roles: new Map(),
    strike: (strike) => strikes.add(strike),
    point,
    crashAt(count) {
      untilCrash = count
    },
    revive() {
      crashed = false
      untilCrash = Number.POSITIVE_INFINITY
    },
    get crashed() {
      return crashed
    },
    async call(operation, name, kind, signal, work) {
      throwIfAborted(signal)
      if (kind === 'change') point(`before ${operation}`)
      else if (crashed) throw new SimulatedCrash(operation)
      time.pass(LATENCY_MS)
      const made = { operation, region: name, kind, atMs: time.nowMs() }
      let done = false
      try {
        if (region(name).dead) {
          time.pass(5_000)
          throw struck('unavailable', operation, name, 'no answer')
        }
        const lost = strikes.before(operation, name)
        const result = work()
        done = true
        if (lost !== undefined) throw struck('unavailable', operation, name, 'the connection was closed')
        return structuredClone(result)
      } catch (thrown) {
        if (thrown instanceof LifeboatError) throw thrown
        throw new LifeboatError('internal', `the simulated cloud failed at ${operation}`, { cause: thrown })
      } finally {
        calls.push({ ...made, done })
        if (kind === 'change' && done) point(`after ${operation}`)
      }
    },
  }
}

function createRegion(name: string): RegionState {
  return {
    name,
    dead: false,
    instances: new Map(),
    clusters: new Map(),
    snapshots: new Map(),
    backups: new Map(),
    subnetGroups: new Map(),
    parameterGroups: new Map(),
    optionGroups: new Map(),
    keys: new Map(),
    securityGroups: new Map(),
    vpcs: new Map(),
    subnets: new Map(),
    alarms: [],
    metrics: new Map(),
    orderable: [],
    engineVersions: [],
    exhausted: new Set(),
    quotas: new Map([
      ['DBInstances', 40],
      ['DBClusters', 40],
      ['ManualSnapshots', 100],
    ]),
  }
}
