import { addCluster } from './rds-clusters.ts'
import { addInstance } from './rds-instances.ts'
import type { RegionState, World } from './world.ts'

export interface SceneOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  readonly kind: 'instance' | 'cluster'
  readonly encrypted?: boolean
  readonly gib?: number
  readonly engine?: string
  readonly engineVersion?: string
  readonly lagSeconds?: number
  /** Of a cluster: in a global database with one in the other region (default), as its only one, or in none. */
  readonly global?: 'joined' | 'primary' | 'none'
}

/** What the landing zone of a scene is called. */
export const SCENE = {
  subnetGroup: 'private',
  parameterGroup: 'tuned',
  optionGroup: 'standard',
  keyAlias: 'alias/databases',
  securityGroup: (region: string) => `sg-${Buffer.from(region).toString('hex').slice(-17).padStart(17, '0')}`,
  zone: 'Z0000000000000',
  instanceClass: 'db.r6g.large',
  otherClass: 'db.r6i.large',
  globalCluster: (db: string) => `${db}-global`,
  replica: (db: string) => `${db}-replica`,
  /** Of the automated snapshot, in the other region. */
  copy: (db: string) => `${db}-copy`,
} as const

/**
 * A database with what a team would have made for it: a landing zone in the other region, a replica or a global cluster, automated
 * snapshots, a copy of one that is across already, replicated backups, a DNS name.
 */
export function furnish(world: World, options: SceneOptions): void {
  const { source, target, db, kind } = options
  for (const name of [source, target]) landingZone(world, world.region(name))
  if (kind === 'instance') furnishInstance(world, options)
  else furnishCluster(world, options)
  const host =
    kind === 'instance'
      ? world.region(source).instances.get(db)?.endpoint?.host
      : world.region(source).clusters.get(db)?.writerHost
  world.zones.set(SCENE.zone, {
    zone: {
      ...{ id: SCENE.zone, name: 'example.internal', private: true },
      vpcs: [source, target].map((region) => ({ id: `vpc-${region}`, region })),
    },
    records: [{ name: `${db}.example.internal`, type: 'CNAME', ttlSeconds: 300, values: [host ?? ''] }],
  })
}

function landingZone(world: World, state: RegionState): void {
  const { name } = state
  const vpcId = `vpc-${name}`
  const zones = ['a', 'b', 'c'].map((letter) => `${name}${letter}`)
  state.vpcs.set(vpcId, { id: vpcId, cidr: '10.0.0.0/16', isDefault: false, name: 'databases' })
  const subnets = zones.map((zone, index) => ({ id: `subnet-${zone}`, zone, index }))
  for (const { id, zone, index } of subnets)
    state.subnets.set(id, { id, vpcId, zone, cidr: `10.0.${index}.0/24`, freeAddresses: 200 })
  state.subnetGroups.set(SCENE.subnetGroup, {
    ...{ name: SCENE.subnetGroup, vpcId, description: 'databases' },
    subnets: subnets.map(({ id, zone }) => ({ id, zone })),
  })
  const groupId = SCENE.securityGroup(name)
  state.securityGroups.set(groupId, {
    ...{ id: groupId, name: 'database', description: 'applications to databases', vpcId, tags: {} },
    inbound: [{ protocol: 'tcp', fromPort: 3306, toPort: 5432, peer: '10.0.0.0/16' }],
    outbound: [],
  })
  for (const [kind, family] of [
    ['instance', 'mysql8.0'],
    ['cluster', 'aurora-mysql8.0'],
  ] as const)
    state.parameterGroups.set(`${kind}/${SCENE.parameterGroup}`, {
      ...{ name: SCENE.parameterGroup, family, description: 'tuned' },
      parameters: [{ name: 'require_secure_transport', value: '1', apply: 'immediate' }],
    })
  state.optionGroups.set(SCENE.optionGroup, {
    ...{
      name: SCENE.optionGroup,
      engine: 'mysql',
      majorVersion: '8.0',
      description: 'standard',
      options: [],
    },
  })
  const id = `11111111-1111-4111-8111-${Buffer.from(name).toString('hex').slice(-12).padStart(12, '0')}`
  state.keys.set(id, {
    ...{ id, arn: `arn:aws:kms:${name}:${world.account}:key/${id}`, enabled: true, state: 'Enabled' },
    ...{ managedBy: 'customer', spec: 'SYMMETRIC_DEFAULT', usage: 'ENCRYPT_DECRYPT', multiRegion: false },
    ...{ aliases: [SCENE.keyAlias], policy: '{}', tags: {} },
  })
  const storageTypes = ['gp3', 'io2', 'aurora']
  state.orderable = [SCENE.instanceClass, SCENE.otherClass].map((instanceClass) => ({
    ...{ instanceClass, zones, storageTypes, multiAz: true },
  }))
}

function keyOf(state: RegionState): string | undefined {
  return [...state.keys.values()].find(({ aliases }) => aliases.includes(SCENE.keyAlias))?.arn
}

function furnishInstance(world: World, options: SceneOptions): void {
  const { source, target, db, encrypted = true, gib = 200, lagSeconds = 4 } = options
  const { engine = 'mysql', engineVersion = '8.0.40' } = options
  const [from, to] = [world.region(source), world.region(target)]
  const sourceKey = encrypted ? keyOf(from) : undefined
  const settings = {
    ...{ engine, engineVersion, encrypted, instanceClass: SCENE.instanceClass, backupRetentionDays: 7 },
    ...{ storage: { type: 'gp3', gib }, masterUser: 'admin', subnetGroup: SCENE.subnetGroup, tags: {} },
    ...{ parameterGroup: SCENE.parameterGroup, optionGroup: SCENE.optionGroup, iamAuthentication: true },
  }
  const versions = [{ engine, version: engineVersion, family: 'mysql8.0' }]
  from.engineVersions = versions
  to.engineVersions = versions
  addInstance(
    { operation: 'scene', state: from, world },
    {
      ...{ ...settings, id: db, kmsKeyArn: sourceKey, multiAz: true, deletionProtection: true },
      ...{ securityGroups: [SCENE.securityGroup(source)], logExports: ['error'] },
    },
    0,
  )
  const arn = `arn:aws:rds:${source}:${world.account}:db:${db}`
  const replica = SCENE.replica(db)
  addInstance(
    { operation: 'scene', state: to, world },
    {
      ...{ ...settings, id: replica, kmsKeyArn: encrypted ? keyOf(to) : undefined, backupRetentionDays: 0 },
      ...{ replicaOf: arn, securityGroups: [SCENE.securityGroup(target)] },
    },
    0,
  )
  const instance = from.instances.get(db)
  if (instance !== undefined) instance.replicas = [`arn:aws:rds:${target}:${world.account}:db:${replica}`]
  to.metrics.set(`ReplicaLag/${replica}`, lagSeconds)
  const snapshotKey = sourceKey === undefined ? {} : { kmsKeyArn: sourceKey }
  const id = `rds:${db}-2026-11-22-03-05`
  from.snapshots.set(`instance/${id}`, {
    ...{ kind: 'instance', id, sourceId: db, type: 'automated', status: 'available', visibleMs: 0 },
    ...{ arn: `arn:aws:rds:${source}:${world.account}:snapshot:${id}`, engine, engineVersion, gib },
    ...{ encrypted, optionGroup: SCENE.optionGroup, masterUser: 'admin', tags: {}, ...snapshotKey },
    created: new Date(world.time.clock.now().getTime() - 18 * 3_600_000),
  })
  copyAcross(world, options, 'snapshot')
  const backupArn = `arn:aws:rds:${target}:${world.account}:auto-backup:ab-${db}`
  const targetKey = encrypted ? keyOf(to) : undefined
  to.backups.set(backupArn, {
    ...{ arn: backupArn, instanceId: db, region: source, instanceArn: arn, status: 'active', gib },
    ...{ engine, engineVersion, encrypted, optionGroup: SCENE.optionGroup, retentionDays: 7 },
    ...(targetKey !== undefined && { kmsKeyArn: targetKey }),
    earliest: new Date(world.time.clock.now().getTime() - 7 * 86_400_000),
    latest: new Date(world.time.clock.now().getTime() - 6 * 60_000),
  })
}

function furnishCluster(world: World, options: SceneOptions): void {
  const { source, target, db, encrypted = true, gib = 200, lagSeconds = 1 } = options
  const { engine = 'aurora-mysql', engineVersion = '8.0.mysql_aurora.3.08.0' } = options
  const globalId = SCENE.globalCluster(db)
  const versions = [{ engine, version: engineVersion, family: 'aurora-mysql8.0' }]
  const arns = [source, target].map((region) => `arn:aws:rds:${region}:${world.account}:cluster:${db}`)
  for (const [index, name] of [source, target].entries()) {
    const state = world.region(name)
    state.engineVersions = versions
    const call = { operation: 'scene', state, world }
    const kmsKeyArn = encrypted ? keyOf(state) : undefined
    const shared = { engine, engineVersion, encrypted, kmsKeyArn, backupRetentionDays: 7, tags: {} }
    addCluster(
      call,
      {
        ...{ ...shared, id: db, globalClusterId: globalId, masterUser: 'admin', deletionProtection: true },
        ...{ subnetGroup: SCENE.subnetGroup, parameterGroup: SCENE.parameterGroup },
        ...{ securityGroups: [SCENE.securityGroup(name)], replicaOf: index === 0 ? undefined : arns[0] },
      },
      0,
    )
    const cluster = state.clusters.get(db)
    const members = [1, 2].map((number) => ({
      instanceId: `${db}-${number}`,
      writer: number === 1 && index === 0,
    }))
    for (const { instanceId } of members) {
      const instanceClass = SCENE.instanceClass
      const seed = { ...shared, id: instanceId, instanceClass, clusterId: db, subnetGroup: SCENE.subnetGroup }
      addInstance(call, { ...seed, storage: { type: 'aurora', gib: 1 } }, 0)
    }
    if (cluster === undefined) continue
    cluster.members = members
    if (cluster.writerHost !== undefined)
      world.databases.set(cluster.writerHost, index === 0 ? 'writable' : 'read-only')
    state.metrics.set(`AuroraGlobalDBReplicationLag/${db}`, lagSeconds * 1000)
  }
  const from = world.region(source)
  const key = encrypted ? keyOf(from) : undefined
  const id = `rds:${db}-2026-11-22-03-05`
  from.snapshots.set(`cluster/${id}`, {
    ...{ kind: 'cluster', id, sourceId: db, type: 'automated', status: 'available', visibleMs: 0 },
    ...{ arn: `arn:aws:rds:${source}:${world.account}:cluster-snapshot:${id}`, engine, engineVersion, gib },
    ...{ encrypted, masterUser: 'admin', tags: {}, ...(key !== undefined && { kmsKeyArn: key }) },
    created: new Date(world.time.clock.now().getTime() - 18 * 3_600_000),
  })
  copyAcross(world, options, 'cluster-snapshot')
  const { global = 'joined' } = options
  if (global !== 'joined') leaveAlone(world.region(target), db)
  if (global === 'none') {
    delete from.clusters.get(db)?.globalClusterId
    return
  }
  const endpoint = from.clusters.get(db)?.writerHost
  world.globals.set(globalId, {
    ...{ id: globalId, engine, engineVersion, encrypted, status: 'available', deletionProtection: false },
    arn: `arn:aws:rds::${world.account}:global-cluster:${globalId}`,
    members: [
      { clusterArn: arns[0] ?? '', region: source, writer: true, synchronization: 'connected' },
      { clusterArn: arns[1] ?? '', region: target, writer: false, synchronization: 'connected' as const },
    ].slice(0, global === 'joined' ? 2 : 1),
    ...(endpoint !== undefined && { endpoint }),
  })
}

function leaveAlone(state: RegionState, db: string): void {
  state.clusters.delete(db)
  for (const id of [`${db}-1`, `${db}-2`]) state.instances.delete(id)
}

/** As a team's own schedule would have left it. */
function copyAcross(
  world: World,
  { source, target, db, kind }: SceneOptions,
  type: 'snapshot' | 'cluster-snapshot',
): void {
  const [from, to] = [world.region(source), world.region(target)]
  const id = SCENE.copy(db)
  for (const original of from.snapshots.values()) {
    if (original.kind !== kind || original.sourceId !== db) continue
    const { kmsKeyArn: _, ...rest } = original
    const key = original.encrypted ? keyOf(to) : undefined
    to.snapshots.set(`${kind}/${id}`, {
      ...{ ...rest, id, type: 'manual', copyOfArn: original.arn },
      arn: `arn:aws:rds:${target}:${world.account}:${type}:${id}`,
      ...(key !== undefined && { kmsKeyArn: key }),
    })
  }
}
