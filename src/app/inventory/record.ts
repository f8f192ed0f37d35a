import { z } from 'zod'
import type { LandingEntry } from '../../runbooks/landing-zone.ts'
import type { Alarm } from '../../runbooks/ports/cloudwatch.ts'
import type { SecurityGroup, Subnet, Vpc } from '../../runbooks/ports/ec2.ts'
import type { IamRole } from '../../runbooks/ports/iam.ts'
import type { RdsInstance } from '../../runbooks/ports/rds.ts'
import type { ReplicatedBackup, Snapshot } from '../../runbooks/ports/rds-backups.ts'
import type { GlobalCluster, RdsCluster } from '../../runbooks/ports/rds-clusters.ts'
import type { OptionGroup, ParameterGroup, SubnetGroup } from '../../runbooks/ports/rds-groups.ts'
import type { DnsRecord, HostedZone } from '../../runbooks/ports/route53.ts'
import type { DatabaseLanding } from './landing.ts'
import {
  clusterSchema,
  globalClusterSchema,
  instanceSchema,
  replicatedBackupSchema,
  snapshotSchema,
} from './rds-schema.ts'
import { maybe, objectOf, text, texts } from './schema.ts'
import {
  alarmSchema,
  dnsRecordSchema,
  hostedZoneSchema,
  type InventoryKey,
  keySchema,
  optionGroupSchema,
  parameterGroupSchema,
  securityGroupSchema,
  subnetGroupSchema,
  subnetSchema,
  vpcSchema,
} from './zone-schema.ts'

/** One region: of the source what its databases are and refer to, of the target what is there to take them in. */
export interface RegionInventory {
  readonly region: string
  readonly instances: readonly RdsInstance[]
  readonly clusters: readonly RdsCluster[]
  readonly globalClusters: readonly GlobalCluster[]
  readonly snapshots: readonly Snapshot[]
  readonly replicatedBackups: readonly ReplicatedBackup[]
  readonly subnetGroups: readonly SubnetGroup[]
  readonly subnets: readonly Subnet[]
  readonly vpcs: readonly Vpc[]
  readonly securityGroups: readonly SecurityGroup[]
  readonly instanceParameterGroups: readonly ParameterGroup[]
  readonly clusterParameterGroups: readonly ParameterGroup[]
  readonly optionGroups: readonly OptionGroup[]
  readonly keys: readonly InventoryKey[]
  readonly alarms: readonly Alarm[]
}

/** `instances`, `securityGroups` … */
export type Section = Exclude<keyof RegionInventory, 'region'>

/** What could not be asked, and so may be there or not. */
export interface Unknown {
  /** Absent for what has no region. */
  readonly region?: string
  /** A section of a region, or `account`, `dns`, `roles`. */
  readonly what: string
  /** The one thing of the section that could not be looked at; without it, the section as a whole. */
  readonly of?: string
  readonly reason: string
  /** As core/cloud-fault.ts has them. */
  readonly fault?: string
}

export interface ZoneRecords {
  readonly zone: HostedZone
  readonly records: readonly DnsRecord[]
}

/** What a rebuild needs of the control planes, and can't be asked for once a region is down. docs/inventory.md. */
export interface Inventory {
  readonly format: 1
  readonly id: string
  /** The job whose dump it was taken with, or `inventory`. */
  readonly job: string
  readonly lifeboat: string
  readonly started: string
  readonly ended: string
  readonly account?: string
  /** Region. */
  readonly source: string
  readonly target?: string
  /** Ids that were asked for; null for all of the source region. */
  readonly databases: readonly string[] | null
  /** The source, then the target. */
  readonly regions: readonly RegionInventory[]
  /** Records that lead to an endpoint, straight or by others, with their zones. */
  readonly dns: readonly ZoneRecords[]
  /** Of IAM, which knows no regions: those that the databases have, and who may assume them. */
  readonly roles: readonly IamRole[]
  /** What of the target stands for what each database refers to; without a target, nothing. */
  readonly landing: readonly DatabaseLanding[]
  readonly unknown: readonly Unknown[]
}

export const regionInventorySchema = objectOf<RegionInventory>()({
  region: text,
  instances: z.array(instanceSchema),
  clusters: z.array(clusterSchema),
  globalClusters: z.array(globalClusterSchema),
  snapshots: z.array(snapshotSchema),
  replicatedBackups: z.array(replicatedBackupSchema),
  subnetGroups: z.array(subnetGroupSchema),
  subnets: z.array(subnetSchema),
  vpcs: z.array(vpcSchema),
  securityGroups: z.array(securityGroupSchema),
  instanceParameterGroups: z.array(parameterGroupSchema),
  clusterParameterGroups: z.array(parameterGroupSchema),
  optionGroups: z.array(optionGroupSchema),
  keys: z.array(keySchema),
  alarms: z.array(alarmSchema),
})

export const unknownSchema = objectOf<Unknown>()({
  region: maybe(text),
  what: text,
  of: maybe(text),
  reason: text,
  fault: maybe(text),
})

const landingEntrySchema = objectOf<LandingEntry>()({
  kind: z.enum(['subnet-group', 'security-group', 'parameter-group', 'option-group', 'key', 'role']),
  source: text,
  target: z.nullable(text),
  missing: z.nullable(text),
})

export const inventorySchema = objectOf<Inventory>()({
  format: z.literal(1),
  id: text,
  job: text,
  lifeboat: text,
  started: z.iso.datetime(),
  ended: z.iso.datetime(),
  account: maybe(text),
  source: text,
  target: maybe(text),
  databases: z.nullable(texts),
  regions: z.array(regionInventorySchema).min(1).max(2),
  dns: z.array(objectOf<ZoneRecords>()({ zone: hostedZoneSchema, records: z.array(dnsRecordSchema) })),
  roles: z.array(objectOf<IamRole>()({ arn: text, trust: text })).default([]),
  landing: z
    .array(objectOf<DatabaseLanding>()({ database: text, entries: z.array(landingEntrySchema) }))
    .default([]),
  unknown: z.array(unknownSchema),
})

/** As it will be read again: dates have gone to text and back, and what nobody knows is gone. */
export function asStored(inventory: Inventory): Inventory {
  return inventorySchema.parse(JSON.parse(JSON.stringify(inventory)))
}

export function sourceOf({ regions, source }: Inventory): RegionInventory {
  return regions.find(({ region }) => region === source) ?? (regions[0] as RegionInventory)
}

export function targetOf({ regions, target }: Inventory): RegionInventory | undefined {
  return target === undefined ? undefined : regions.find(({ region }) => region === target)
}
