import type { SecurityGroup } from '../../runbooks/ports/ec2.ts'
import type { ReplicatedBackup, Snapshot, SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import type { GlobalCluster } from '../../runbooks/ports/rds-clusters.ts'
import type { SubnetGroup } from '../../runbooks/ports/rds-groups.ts'
import type { CloudPorts, RegionPorts } from '../../runbooks/ports.ts'
import { type Answer, known, together } from './answer.ts'
import type { Ask } from './ask.ts'
import type { Seen } from './identity.ts'

/** What the control planes of RDS say of their whole regions. */
export interface RegionAnswers {
  readonly source: Answer<Seen>
  readonly target: Answer<Seen>
  readonly globals: Answer<readonly GlobalCluster[]>
  readonly backups: Answer<readonly ReplicatedBackup[]>
  readonly subnetGroups: Answer<readonly SubnetGroup[]>
  readonly sourceSnapshots: Answer<readonly Snapshot[]>
  readonly targetSnapshots: Answer<readonly Snapshot[]>
  readonly securityGroups: Answer<readonly SecurityGroup[]>
  /** How many more instances the target's quota allows; null where RDS tells none. */
  readonly instancesLeft: Answer<number | null>
  /** Databases of the source of which there is something in the target. */
  readonly across: readonly string[]
}

export async function askRegions(
  { source, target }: Pick<CloudPorts, 'source' | 'target'>,
  wanted: readonly string[] | undefined,
  ask: Ask,
): Promise<RegionAnswers> {
  const { rds, ec2, region } = target
  const at = { service: 'rds', region } as const
  const [sourceSnapshots, targetSnapshots, from, to, ...others] = await Promise.all([
    askSnapshots(source, wanted, ask),
    askSnapshots(target, wanted, ask),
    askSeen(source, ask),
    askSeen(target, ask),
    ask(at, (signal) => rds.globalClusters(signal)),
    ask(at, (signal) => rds.replicatedBackups(signal)),
    ask(at, (signal) => rds.subnetGroups(signal)),
    ask({ service: 'ec2', region }, (signal) => ec2.securityGroups(undefined, signal)),
    ask(at, async (signal) => {
      const quota = (await rds.quotas(signal)).find(({ name }) => name === 'DBInstances')
      return quota === undefined ? null : Math.max(0, quota.most - quota.used)
    }),
  ])
  const [globals, backups, subnetGroups, securityGroups, instancesLeft] = others
  const across = new Set([
    ...(to.known ? [...to.value.instances, ...to.value.clusters] : []).flatMap(({ replicaOf }) =>
      idIn(replicaOf, source.region),
    ),
    ...(backups.known ? backups.value : []).flatMap(({ instanceArn }) => idIn(instanceArn, source.region)),
    ...(globals.known ? globals.value : [])
      .flatMap(({ members }) => members)
      .flatMap(({ clusterArn }) => idIn(clusterArn, source.region)),
    ...(targetSnapshots.known ? targetSnapshots.value : [])
      .filter(({ copyOfArn }) => copyOfArn?.split(':')[3] === source.region)
      .map(({ sourceId }) => sourceId),
  ])
  return {
    ...{ source: from, target: to, globals, backups, subnetGroups, securityGroups, instancesLeft },
    ...{ sourceSnapshots, targetSnapshots },
    across: [...across].sort(),
  }
}

async function askSeen({ region, rds }: RegionPorts, ask: Ask): Promise<Answer<Seen>> {
  const at = { service: 'rds', region } as const
  const [instances, clusters] = await Promise.all([
    ask(at, (signal) => rds.instances(signal)),
    ask(at, (signal) => rds.clusters(signal)),
  ])
  if (!instances.known) return instances
  if (!clusters.known) return clusters
  return known({ instances: instances.value, clusters: clusters.value })
}

/** By name as long as that is few calls: a region may hold thousands of others. */
const MOST_NAMED = 5

async function askSnapshots(
  { region, rds }: RegionPorts,
  wanted: readonly string[] | undefined,
  ask: Ask,
): Promise<Answer<readonly Snapshot[]>> {
  const ids = wanted === undefined || wanted.length > MOST_NAMED ? [undefined] : wanted
  const kinds: readonly SnapshotKind[] = ['instance', 'cluster']
  const found = await Promise.all(
    kinds.flatMap((kind) =>
      ids.map((id) => ask({ service: 'rds', region }, (signal) => rds.snapshots(kind, id, signal))),
    ),
  )
  return together(found)
}

/** The id at the end of an ARN of this region: none of another's. */
export function idIn(arn: string | undefined, region: string): string[] {
  const [, , , where, , , id] = arn?.split(':') ?? []
  return where === region && id !== undefined ? [id] : []
}
