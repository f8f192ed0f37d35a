import type { RegionInventory } from '../app/inventory/record.ts'

type Instance = RegionInventory['instances'][number]
type Cluster = RegionInventory['clusters'][number]

/** All databases of a region, each with what it is made of. */
export function databaseLines(region: RegionInventory): string[] {
  const alone = region.instances.filter(({ clusterId }) => clusterId === undefined)
  return [
    ...alone.flatMap((instance) => instanceLines(instance, region)),
    ...region.clusters.flatMap((cluster) => clusterLines(cluster, region)),
    ...region.replicatedBackups.map(
      ({ instanceId, region: from, status, latest }) =>
        `replicated backup of ${instanceId} from ${from}: ${status}, up to ${latest?.toISOString() ?? 'unknown'}`,
    ),
  ]
}

function instanceLines(instance: Instance, region: RegionInventory): string[] {
  const { id, engine, engineVersion, instanceClass, storage, multiAz, endpoint, publiclyAccessible } =
    instance
  const iops = storage.iops === undefined ? '' : `, ${storage.iops} IOPS`
  return [
    `instance ${id}: ${engine} ${engineVersion}, ${instanceClass}, ${storage.type} ${storage.gib} GiB${iops}${multiAz ? ', Multi-AZ' : ''}`,
    ...indented([
      ...(endpoint === undefined ? [] : [`endpoint ${endpoint.host}:${endpoint.port}`]),
      ...(publiclyAccessible ? ['PUBLICLY ACCESSIBLE'] : []),
      ...extraLines(instance),
      ...replicaLines(instance),
      ...sharedLines(instance, region),
      ...groupLines('parameter group', instance.parameterGroups, region.instanceParameterGroups),
      ...instance.optionGroups.map(({ name }) => optionText(name, region)),
      ...snapshotLines('instance', id, region),
    ]),
  ]
}

function clusterLines(cluster: Cluster, region: RegionInventory): string[] {
  const { id, engine, engineVersion, port, writerHost, readerHost, customEndpoints, members } = cluster
  const classes = new Map(region.instances.map((instance) => [instance.id, instance.instanceClass]))
  return [
    `cluster ${id}: ${engine} ${engineVersion}`,
    ...indented([
      ...(writerHost === undefined ? [] : [`writer endpoint ${writerHost}:${port}`]),
      ...(readerHost === undefined ? [] : [`reader endpoint ${readerHost}:${port}`]),
      ...customEndpoints.map((endpoint) => customText(endpoint, port)),
      ...members.map(
        ({ instanceId, writer }) =>
          `${writer ? 'writer' : 'reader'} ${instanceId}: ${classes.get(instanceId) ?? 'class unknown'}`,
      ),
      ...(cluster.globalClusterId === undefined ? [] : [`in global cluster ${cluster.globalClusterId}`]),
      ...(cluster.replicaOf === undefined ? [] : [`replica of ${cluster.replicaOf}`]),
      ...sharedLines(cluster, region),
      ...groupLines(
        'parameter group',
        cluster.parameterGroup === undefined ? [] : [{ name: cluster.parameterGroup }],
        region.clusterParameterGroups,
      ),
      ...snapshotLines('cluster', id, region),
    ]),
  ]
}

function customText(
  { id, host, type, members, excluded }: Cluster['customEndpoints'][number],
  port: number,
): string {
  const to = members === undefined ? '' : `, to ${members.join(', ')}`
  const not = excluded === undefined ? '' : `, not to ${excluded.join(', ')}`
  return `custom endpoint ${id} ${host}:${port}${type === undefined ? '' : ` (${type.toLowerCase()}${to}${not})`}`
}

function rolesText({ roles, roleFeatures = [] }: Instance | Cluster): string {
  return listed(
    roles.map((arn) => {
      const features = roleFeatures.filter(({ role }) => role === arn).map(({ feature }) => feature)
      return features.length === 0 ? arn : `${arn} (${features.join(', ')})`
    }),
  )
}

function extraLines(instance: Instance): string[] {
  const { storage, monitoring, performanceInsights, licenseModel, characterSet, timeZone } = instance
  return [
    ...(storage.mostGib === undefined ? [] : [`storage grows by itself up to ${storage.mostGib} GiB`]),
    ...(licenseModel === undefined ? [] : [`license ${licenseModel}`]),
    ...(characterSet === undefined ? [] : [`character set ${characterSet}`]),
    ...(timeZone === undefined ? [] : [`time zone ${timeZone}`]),
    ...(monitoring === undefined ? [] : [`monitoring each ${monitoring.seconds} s by ${monitoring.roleArn}`]),
    ...(performanceInsights === undefined ? [] : ['performance insights on']),
    ...(instance.masterSecretArn === undefined ? [] : [`master password in ${instance.masterSecretArn}`]),
  ]
}

function replicaLines({ replicaOf, replicas, replicationError }: Instance): string[] {
  return [
    ...(replicaOf === undefined ? [] : [`replica of ${replicaOf}`]),
    ...(replicationError === undefined ? [] : [`REPLICATION: ${replicationError}`]),
    ...replicas.map((replica) => `has replica ${replica}`),
  ]
}

function sharedLines(database: Instance | Cluster, region: RegionInventory): string[] {
  const { subnetGroup, securityGroups, encrypted, kmsKeyArn, tags } = database
  const subnets = region.subnetGroups.find(({ name }) => name === subnetGroup)
  const zones = subnets?.subnets.map(({ zone }) => zone).join(', ')
  const key = region.keys.find(({ arn }) => arn === kmsKeyArn)
  return [
    ...(subnetGroup === undefined
      ? []
      : [`subnet group ${subnetGroup}${subnets === undefined ? '' : ` (${subnets.vpcId}: ${zones})`}`]),
    ...securityGroups.map((id) => securityText(id, region)),
    encrypted
      ? `encrypted with ${kmsKeyArn ?? "AWS's own key"}${key === undefined || key.aliases.length === 0 ? '' : ` (${key.aliases.join(', ')})`}`
      : 'NOT ENCRYPTED',
    `backups ${database.backupRetentionDays} days, ${database.backupWindow ?? 'no window'}; maintenance ${database.maintenanceWindow ?? 'no window'}`,
    `deletion protection ${database.deletionProtection ? 'on' : 'OFF'}; IAM authentication ${database.iamAuthentication ? 'on' : 'off'}; log exports ${listed(database.logExports)}; roles ${rolesText(database)}`,
    ...(Object.keys(tags).length === 0
      ? []
      : [
          `tags ${Object.entries(tags)
            .map(([name, value]) => `${name}=${value}`)
            .join(', ')}`,
        ]),
    ...region.alarms
      .filter(({ dimensions }) => Object.values(dimensions).includes(database.id))
      .map(({ name, metric }) => `alarm ${name}${metric === undefined ? '' : ` on ${metric}`}`),
  ]
}

function securityText(id: string, { securityGroups }: RegionInventory): string {
  const group = securityGroups.find((each) => each.id === id)
  if (group === undefined) return `security group ${id}, unknown`
  const rules = group.inbound.map(({ protocol, fromPort, toPort, peer }) => {
    const ports =
      fromPort === undefined ? 'all ports' : fromPort === toPort ? fromPort : `${fromPort}-${toPort}`
    return `${protocol === '-1' ? 'all' : protocol} ${ports} from ${peer}`
  })
  return `security group ${id} ${group.name}: ${listed(rules)}`
}

function groupLines(
  what: string,
  used: readonly { readonly name: string }[],
  known: RegionInventory['instanceParameterGroups'],
): string[] {
  return used.map(({ name }) => {
    const group = known.find((each) => each.name === name)
    if (group === undefined) return `${what} ${name}`
    return `${what} ${name} (${group.family}): ${listed(group.parameters.map((each) => `${each.name}=${each.value}`))}`
  })
}

function optionText(name: string, { optionGroups }: RegionInventory): string {
  const group = optionGroups.find((each) => each.name === name)
  if (group === undefined) return `option group ${name}`
  return `option group ${name}: ${listed(group.options.map((option) => option.name))}`
}

function snapshotLines(kind: 'instance' | 'cluster', id: string, { snapshots }: RegionInventory): string[] {
  const own = snapshots.filter((each) => each.kind === kind && each.sourceId === id)
  const newest = own.toSorted((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0))[0]
  if (newest === undefined) return ['no snapshots']
  return [
    `snapshots ${own.length}, the newest ${newest.id} of ${newest.created?.toISOString() ?? 'an unknown time'}`,
  ]
}

/** Snapshots of what is not itself there: copies that were made across. */
export function copyLines({ snapshots, instances, clusters }: RegionInventory): string[] {
  const own = { instance: instances, cluster: clusters }
  const away = snapshots.filter(({ kind, sourceId }) => !own[kind].some(({ id }) => id === sourceId))
  return [...Map.groupBy(away, ({ kind, sourceId }) => `${kind} ${sourceId}`)].map(([name, copies]) => {
    const newest = copies.toSorted((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0))[0]
    return `snapshots of ${name}: ${copies.length}, the newest ${newest?.id} of ${newest?.created?.toISOString() ?? 'an unknown time'}`
  })
}

function listed(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(', ')
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}
