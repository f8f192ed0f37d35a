import type { SecurityGroup } from '../../runbooks/ports/ec2.ts'
import type { RdsInstance } from '../../runbooks/ports/rds.ts'
import type { RdsCluster } from '../../runbooks/ports/rds-clusters.ts'

export interface Databases {
  readonly instances: readonly RdsInstance[]
  readonly clusters: readonly RdsCluster[]
}

/** The databases of these ids, and the instances of those that are clusters. */
export function chosen({ instances, clusters }: Databases, ids: readonly string[]): Databases {
  const wanted = new Set(ids)
  return {
    clusters: clusters.filter(({ id }) => wanted.has(id)),
    instances: instances.filter(
      ({ id, clusterId }) => wanted.has(id) || (clusterId !== undefined && wanted.has(clusterId)),
    ),
  }
}

/** What of another region belongs to the databases of the source: replicas, secondaries, and their instances. */
export function relatives(there: Databases, source: Databases): Databases {
  const arns = new Set(arnsOf(source))
  const replicas = new Set(source.instances.flatMap(({ replicas: list }) => list))
  const globals = new Set(source.clusters.flatMap(({ globalClusterId }) => globalClusterId ?? []))
  const follows = ({ arn, replicaOf }: { readonly arn: string; readonly replicaOf?: string }) =>
    (replicaOf !== undefined && arns.has(replicaOf)) || replicas.has(arn)
  const clusters = there.clusters.filter(
    (cluster) =>
      follows(cluster) || (cluster.globalClusterId !== undefined && globals.has(cluster.globalClusterId)),
  )
  const ids = new Set(clusters.map(({ id }) => id))
  return {
    clusters,
    instances: there.instances.filter(
      (instance) => follows(instance) || (instance.clusterId !== undefined && ids.has(instance.clusterId)),
    ),
  }
}

export function arnsOf({ instances, clusters }: Databases): readonly string[] {
  return [...instances, ...clusters].map(({ arn }) => arn)
}

export function idsOf({ instances, clusters }: Databases): readonly string[] {
  return [...instances, ...clusters].map(({ id }) => id)
}

export function hostsOf({ instances, clusters }: Databases): readonly string[] {
  return [
    ...instances.flatMap(({ endpoint }) => endpoint?.host ?? []),
    ...clusters.flatMap(({ writerHost, readerHost, customEndpoints }) => [
      ...[writerHost, readerHost].filter((host) => host !== undefined),
      ...customEndpoints.map(({ host }) => host),
    ]),
  ]
}

/** Names of the groups that the databases are in or made with, each once. */
export function groupsOf({ instances, clusters }: Databases) {
  const both = [...instances, ...clusters]
  return {
    subnetGroups: unique(both.flatMap(({ subnetGroup }) => subnetGroup ?? [])),
    vpcs: unique(instances.flatMap(({ vpcId }) => vpcId ?? [])),
    securityGroups: unique(both.flatMap(({ securityGroups }) => securityGroups)),
    instanceParameterGroups: own(
      instances.flatMap(({ parameterGroups }) => parameterGroups.map(({ name }) => name)),
    ),
    clusterParameterGroups: own(clusters.flatMap(({ parameterGroup }) => parameterGroup ?? [])),
    optionGroups: own(instances.flatMap(({ optionGroups }) => optionGroups.map(({ name }) => name))),
  }
}

function own(groups: readonly string[]): string[] {
  return unique(groups).filter((name) => !isDefaultGroup(name))
}

/** AWS's own parameter and option groups, `default.…` and `default:…`: in every region, and nobody can change them. */
export function isDefaultGroup(name: string): boolean {
  return /^default[.:]/.test(name)
}

/** Groups that rules name as peers: to write such a rule again one has to know which group it was. */
export function peersOf(groups: readonly SecurityGroup[]): readonly string[] {
  return unique(
    groups.flatMap(({ inbound, outbound }) =>
      [...inbound, ...outbound].flatMap(({ peer }) => (peer.startsWith('sg-') ? peer : [])),
    ),
  )
}

export function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
