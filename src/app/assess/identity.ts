import type { RdsInstance } from '../../runbooks/ports/rds.ts'
import type { RdsCluster } from '../../runbooks/ports/rds-clusters.ts'
import { isDefaultGroup } from '../inventory/related.ts'
import type { Identity } from './evidence.ts'

/** Instances and clusters, as a control plane or an inventory has them. */
export interface Seen {
  readonly instances: readonly RdsInstance[]
  readonly clusters: readonly RdsCluster[]
}

export function identityOf(id: string, { instances, clusters }: Seen): Identity | undefined {
  const instance = instances.find((each) => each.id === id)
  if (instance !== undefined) return ofInstance(instance)
  const cluster = clusters.find((each) => each.id === id)
  return cluster === undefined ? undefined : ofCluster(cluster, instances)
}

/** What a region loses when it is lost: a cluster counts as one, and a replica within the region is none by itself. */
export function databaseIds({ instances, clusters }: Seen): readonly string[] {
  return [
    ...clusters.map(({ id }) => id),
    ...instances
      .filter(({ clusterId, replicaOf }) => clusterId === undefined && replicaOf === undefined)
      .map(({ id }) => id),
  ]
}

function ofInstance(instance: RdsInstance): Identity {
  const { arn, status, engine, engineVersion, instanceClass, storage, encrypted, endpoint } = instance
  return {
    ...{ kind: 'instance', arn, status, engine, engineVersion, instanceClass, gib: storage.gib, encrypted },
    kmsKeyArn: instance.kmsKeyArn ?? null,
    masterUser: instance.masterUser ?? null,
    endpoint: endpoint ?? null,
    subnetGroup: instance.subnetGroup ?? null,
    parameterGroup: own(instance.parameterGroups[0]?.name),
    optionGroup: own(instance.optionGroups[0]?.name),
    securityGroups: instance.securityGroups,
    roles: instance.roles,
    globalClusterId: null,
  }
}

function ofCluster(cluster: RdsCluster, instances: readonly RdsInstance[]): Identity {
  const { arn, status, engine, engineVersion, encrypted, writerHost: host, port } = cluster
  const ids = [...cluster.members].sort((a, b) => Number(b.writer) - Number(a.writer))
  const member = ids.flatMap(({ instanceId }) => instances.find(({ id }) => id === instanceId) ?? [])[0]
  return {
    ...{ kind: 'cluster', arn, status, engine, engineVersion, gib: null, encrypted },
    instanceClass: member?.instanceClass ?? null,
    kmsKeyArn: cluster.kmsKeyArn ?? null,
    masterUser: cluster.masterUser ?? null,
    endpoint: host === undefined ? null : { host, port },
    subnetGroup: cluster.subnetGroup ?? null,
    parameterGroup: own(cluster.parameterGroup),
    optionGroup: null,
    securityGroups: cluster.securityGroups,
    roles: cluster.roles,
    globalClusterId: cluster.globalClusterId ?? null,
  }
}

/** AWS's own groups are in every region. */
function own(group: string | undefined): string | null {
  return group === undefined || isDefaultGroup(group) ? null : group
}
