import { cloudFault } from '../../core/cloud-fault.ts'
import { throwIfAborted } from '../../core/errors.ts'
import type { Ec2Port } from '../../runbooks/ports/ec2.ts'
import type { KmsPort } from '../../runbooks/ports/kms.ts'
import type { RdsPort } from '../../runbooks/ports/rds.ts'
import type { RegionPorts } from '../../runbooks/ports.ts'
import { type Inventory, type RegionInventory, type Section, sourceOf } from './record.ts'
import { isDefaultGroup } from './related.ts'

/**
 * The source region as an inventory knows it, for looks at what can't be asked any more. What is unknown there fails as the call
 * itself would; whatever changes something is refused.
 */
export function inventoryPorts(inventory: Inventory): RegionPorts {
  const region = sourceOf(inventory)
  const { region: name } = region
  const unknown = inventory.unknown.filter((each) => each.region === name)
  const fail = (operation: string, reason: string) =>
    cloudFault(
      'invalid',
      `unable to ask ${name} by inventory ${inventory.id}: ${reason}`,
      { operation, region: name },
      {
        hint: 'Take another inventory, or ask the region itself.',
      },
    )

  /** A thing that is not in it is not there, unless it is unknown. */
  async function look<T>(
    what: Section,
    of: string | undefined,
    signal: AbortSignal,
    find: () => T,
  ): Promise<T> {
    throwIfAborted(signal)
    const found = find()
    const empty = found === undefined || (Array.isArray(found) && found.length === 0)
    const why = unknown.find(
      (each) => each.what === what && (each.of === undefined || of === undefined || each.of === of),
    )
    if (empty && why !== undefined) throw fail(what, why.reason)
    return found
  }
  const refuse = (operation: string) => () =>
    Promise.reject(fail(operation, 'it is known from an inventory only, and can not be changed'))
  const unasked = (operation: string) => () =>
    Promise.reject(fail(operation, 'an inventory does not say this'))

  return {
    region: name,
    inventory: inventory.id,
    rds: { ...rdsLooks(region, look), ...changes(RDS_CHANGES, refuse), ...changes(RDS_UNSAID, unasked) },
    kms: { ...kmsLooks(region, look), createKey: refuse('createKey'), createAlias: refuse('createAlias') },
    ec2: {
      ...ec2Looks(region, look),
      createSecurityGroup: refuse('createSecurityGroup'),
      allowInbound: refuse('allowInbound'),
      revokeInbound: refuse('revokeInbound'),
    },
    cloudwatch: {
      latest: unasked('latest'),
      alarms: (signal) => look('alarms', undefined, signal, () => region.alarms),
      putAlarm: refuse('putAlarm'),
    },
  }
}

type Look = <T>(what: Section, of: string | undefined, signal: AbortSignal, find: () => T) => Promise<T>

const RDS_CHANGES = [
  ...([
    'createInstance',
    'createClusterInstance',
    'createReplica',
    'promoteReplica',
    'modifyInstance',
  ] as const),
  ...([
    'rebootInstance',
    'addRole',
    'deleteInstance',
    'createCluster',
    'modifyCluster',
    'deleteCluster',
  ] as const),
  ...(['createGlobalCluster', 'switchoverGlobalCluster', 'failoverGlobalCluster'] as const),
  ...(['removeFromGlobalCluster', 'deleteGlobalCluster', 'createSnapshot', 'copySnapshot'] as const),
  ...(['deleteSnapshot', 'restoreInstance', 'restoreCluster', 'startBackupReplication'] as const),
  ...(['stopBackupReplication', 'restoreReplicatedBackup', 'createSubnetGroup'] as const),
  ...(['createParameterGroup', 'setParameters', 'createOptionGroup', 'setOptions'] as const),
] as const satisfies readonly (keyof RdsPort)[]
const RDS_UNSAID = ['orderable', 'engineVersions', 'quotas'] as const satisfies readonly (keyof RdsPort)[]

function changes<Name extends keyof RdsPort>(
  names: readonly Name[],
  refuse: (operation: string) => () => Promise<never>,
): Record<Name, () => Promise<never>> {
  return Object.fromEntries(names.map((name) => [name, refuse(name)])) as Record<Name, () => Promise<never>>
}

type RdsLooks = Omit<RdsPort, (typeof RDS_CHANGES)[number] | (typeof RDS_UNSAID)[number]>

function rdsLooks(region: RegionInventory, look: Look): RdsLooks {
  const groups = (of: 'instance' | 'cluster') =>
    of === 'instance' ? ('instanceParameterGroups' as const) : ('clusterParameterGroups' as const)
  return {
    instance: (id, signal) =>
      look('instances', id, signal, () => region.instances.find((each) => each.id === id)),
    instances: (signal) => look('instances', undefined, signal, () => region.instances),
    cluster: (id, signal) =>
      look('clusters', id, signal, () => region.clusters.find((each) => each.id === id)),
    clusters: (signal) => look('clusters', undefined, signal, () => region.clusters),
    globalCluster: (id, signal) =>
      look('globalClusters', id, signal, () => region.globalClusters.find((each) => each.id === id)),
    globalClusters: (signal) => look('globalClusters', undefined, signal, () => region.globalClusters),
    snapshot: (kind, id, signal) =>
      look('snapshots', id, signal, () =>
        region.snapshots.find((each) => each.kind === kind && each.id === id),
      ),
    snapshots: (kind, sourceId, signal) =>
      look('snapshots', sourceId, signal, () =>
        region.snapshots.filter(
          (each) => each.kind === kind && (sourceId === undefined || each.sourceId === sourceId),
        ),
      ),
    replicatedBackups: (signal) =>
      look('replicatedBackups', undefined, signal, () => region.replicatedBackups),
    subnetGroup: (name, signal) =>
      look('subnetGroups', name, signal, () => region.subnetGroups.find((each) => each.name === name)),
    subnetGroups: (signal) => look('subnetGroups', undefined, signal, () => region.subnetGroups),
    parameterGroup: (of, name, signal) =>
      look(groups(of), name, signal, () => {
        const found = region[groups(of)].find((each) => each.name === name)
        // AWS's own are in every region, and not kept.
        return (
          found ?? (isDefaultGroup(name) ? { name, family: '', description: '', parameters: [] } : undefined)
        )
      }),
    parameterGroups: (of, signal) => look(groups(of), undefined, signal, () => region[groups(of)]),
    optionGroup: (name, signal) =>
      look('optionGroups', name, signal, () => region.optionGroups.find((each) => each.name === name)),
    optionGroups: (signal) => look('optionGroups', undefined, signal, () => region.optionGroups),
  }
}

function ec2Looks(region: RegionInventory, look: Look): Pick<Ec2Port, 'securityGroups' | 'subnets' | 'vpcs'> {
  return {
    securityGroups: (ids, signal) =>
      look('securityGroups', undefined, signal, () =>
        region.securityGroups.filter(({ id }) => ids?.includes(id) ?? true),
      ),
    subnets: (vpcId, signal) =>
      look('subnets', vpcId, signal, () =>
        region.subnets.filter((each) => vpcId === undefined || each.vpcId === vpcId),
      ),
    vpcs: (signal) => look('vpcs', undefined, signal, () => region.vpcs),
  }
}

function kmsLooks(region: RegionInventory, look: Look): Pick<KmsPort, 'key' | 'keys' | 'policy' | 'tags'> {
  const named = (name: string) =>
    region.keys.find(({ id, arn, aliases }) => id === name || arn === name || aliases.includes(name))
  const said = async <T>(
    keyId: string,
    what: 'policy' | 'tags',
    signal: AbortSignal,
    pick: (key: RegionInventory['keys'][number]) => T | undefined,
  ): Promise<T> => {
    const key = named(keyId)
    const found = await look('keys', `${what} of ${key?.arn ?? keyId}`, signal, () => key && pick(key))
    if (found !== undefined) return found
    throw cloudFault('not-found', `unable to read the ${what} of key '${keyId}': it is in no inventory`, {
      ...{ operation: `kms:${what}`, region: region.region },
    })
  }
  return {
    key: (name, signal) => look('keys', name, signal, () => named(name)),
    keys: (signal) => look('keys', undefined, signal, () => region.keys),
    policy: (keyId, signal) => said(keyId, 'policy', signal, ({ policy }) => policy),
    tags: (keyId, signal) => said(keyId, 'tags', signal, ({ tags }) => tags),
  }
}
