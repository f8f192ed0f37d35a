import { describe } from 'vitest'
import type { CloudPorts, RegionPorts } from '../../src/runbooks/ports.ts'
import { describeCloudClusters } from './cloud-suite-clusters.ts'
import { describeCloudInstances } from './cloud-suite-instances.ts'
import { describeCloudServices } from './cloud-suite-services.ts'

/** A cloud of two regions. Each has a VPC with subnets in two zones or more; the rest the suite makes by itself. */
export interface CloudUnderTest {
  readonly ports: CloudPorts
  /** A zone to write records into. */
  readonly zoneId: string
  readonly instance: Offer
  readonly cluster: Offer
  /** Lets time go on where it stands still between looks. */
  pass(): Promise<void>
  cleanup(): Promise<void>
}

interface Offer {
  readonly engine: string
  readonly engineVersion: string
  readonly family: string
  readonly instanceClass: string
}

/** What a place is known not to do as AWS does it. A test, or a part of one, is left out there, by its name. */
export type Departure =
  /** Promotes what is no replica, and says of what it promoted that it is still one. */
  | 'promotes-by-name-only'
  /** Knows no writer of a global cluster. */
  | 'no-global-writer'
  /** Copies what is encrypted across regions without a key. */
  | 'copies-without-key'
  /** Lists no replica of another region at its source. */
  | 'hides-replicas'
  /** Looks for the groups of a replica in the region of its source. */
  | 'replica-without-groups'
  /** Makes a subnet group anew that is there. */
  | 'replaces-subnet-groups'
  /** Fails when it is asked for all option groups. */
  | 'no-list-of-option-groups'
  /** Has no DescribeDBEngineVersions, no DescribeAccountAttributes, and little in DescribeOrderableDBInstanceOptions. */
  | 'no-offers'
  | 'no-policy-simulation'
  /** Of a health check it knows no alarm. */
  | 'forgets-alarms'
  /** Restores with other groups than it was told. */
  | 'forgets-groups'
  /** Fails when it restores a cluster whose master password RDS keeps. */
  | 'no-cluster-restore'

export interface CloudSuite {
  /** Makes what tests of one file share, once. */
  readonly cloud: () => CloudUnderTest
  readonly departs: (departure: Departure) => boolean
}

export const TAGS = { 'lifeboat:run': '20261122T210500Z-k3f9', team: 'sea rescue' }

/** What src/runbooks/ports.ts promises of the control plane, against one implementation. */
export function describeCloud(
  name: string,
  cloud: () => CloudUnderTest,
  { departures = [] }: { readonly departures?: readonly Departure[] } = {},
): void {
  const suite: CloudSuite = { cloud, departs: (departure) => departures.includes(departure) }
  describe(`cloud ${name}`, { timeout: 60_000 }, () => {
    describeCloudServices(suite)
    describeCloudInstances(suite)
    describeCloudClusters(suite)
  })
}

let count = 0
/** Names that no other test has. */
export function fresh(what: string): string {
  count += 1
  return `${what}-${count}`
}

/** Looks until it is so. AWS takes minutes where a fake takes none, so what counts are looks, not time. */
export async function until<Seen>(
  cloud: CloudUnderTest,
  look: () => Promise<Seen | undefined>,
  isSo: (seen: Seen) => boolean,
): Promise<Seen> {
  let seen: Seen | undefined
  for (let looks = 0; looks < 100; looks += 1) {
    seen = await look()
    if (seen !== undefined && isSo(seen)) return seen
    await cloud.pass()
  }
  throw new Error(`it never came to that: ${JSON.stringify(seen)}`)
}

export interface LandingZone {
  readonly subnetGroup: string
  readonly securityGroup: string
  readonly key: string
}

/** What an instance of a region needs beside itself. */
export async function land(
  { rds, ec2, kms }: RegionPorts,
  tags: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<LandingZone> {
  const subnets = await ec2.subnets(undefined, signal)
  const [first] = subnets
  if (first === undefined) throw new Error('there is no subnet')
  const { vpcId } = first
  const name = fresh('landing')
  const subnetIds = subnets.filter((one) => one.vpcId === vpcId).map(({ id }) => id)
  await rds.createSubnetGroup({ name, description: 'landing zone', subnetIds, tags }, signal)
  const { id } = await ec2.createSecurityGroup({ name, description: 'databases', vpcId, tags }, signal)
  const key = await kms.createKey({ description: name, policy: POLICY, tags }, signal)
  return { subnetGroup: name, securityGroup: id, key: key.arn }
}

export const POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'kms:*', Resource: '*' }],
})
