import type {
  ClusterSettings,
  GlobalCluster,
  RdsCluster,
  RdsClusters,
} from '../runbooks/ports/rds-clusters.ts'
import type { Tags } from '../runbooks/ports.ts'
import {
  assign,
  found,
  mustBeAvailable,
  mustBeNew,
  mustFit,
  mustHaveGroups,
  refuse,
  type SimulatedCall,
  usableKey,
} from './checks.ts'
import { DURATIONS, looked, SHOWN_MS } from './durations.ts'
import { struck } from './strikes.ts'
import type { Mutable, World } from './world.ts'

export interface ClusterSeed extends Partial<ClusterSettings> {
  readonly id: string
  readonly engine: string
  readonly engineVersion: string
  readonly encrypted: boolean
  readonly kmsKeyArn?: string | undefined
  readonly backupRetentionDays: number
  readonly masterUser?: string | undefined
  readonly databaseName?: string | undefined
  readonly globalClusterId?: string | undefined
  readonly replicaOf?: string | undefined
  readonly tags: Tags
}

/** A cluster without instances: its endpoint answers nobody yet. */
export function addCluster(call: SimulatedCall, seed: ClusterSeed, lastsMs: number): void {
  const { state, world } = call
  const { subnetGroup, parameterGroup, serverless, kmsKeyArn, globalClusterId, replicaOf } = seed
  const cluster: Mutable<RdsCluster> & { visibleMs: number } = {
    visibleMs: world.time.nowMs() + (lastsMs === 0 ? 0 : SHOWN_MS),
    id: seed.id,
    arn: `arn:aws:rds:${state.name}:${world.account}:cluster:${seed.id}`,
    status: lastsMs === 0 ? 'available' : 'creating',
    engine: seed.engine,
    engineVersion: seed.engineVersion,
    members: [],
    port: seed.port ?? (seed.engine.includes('postgres') ? 5432 : 3306),
    writerHost: `${seed.id}.cluster-c1sim.${state.name}.rds.amazonaws.com`,
    readerHost: `${seed.id}.cluster-ro-c1sim.${state.name}.rds.amazonaws.com`,
    customEndpoints: [],
    zones: state.orderable[0]?.zones ?? [],
    securityGroups: seed.securityGroups ?? [],
    encrypted: seed.encrypted,
    deletionProtection: seed.deletionProtection ?? false,
    backupRetentionDays: seed.backupRetentionDays,
    iamAuthentication: seed.iamAuthentication ?? false,
    logExports: seed.logExports ?? [],
    roles: [],
    resourceId: `cluster-${Buffer.from(`${state.name}/${seed.id}`).toString('hex').toUpperCase().slice(-26)}`,
    tags: seed.tags,
    ...(subnetGroup !== undefined && { subnetGroup }),
    ...(parameterGroup !== undefined && { parameterGroup }),
    ...(serverless !== undefined && { serverless }),
    ...(kmsKeyArn !== undefined && { kmsKeyArn }),
    ...(globalClusterId !== undefined && { globalClusterId }),
    ...(replicaOf !== undefined && { replicaOf }),
    ...(seed.masterUser !== undefined && { masterUser: seed.masterUser }),
    ...(seed.databaseName !== undefined && { databaseName: seed.databaseName }),
  }
  state.clusters.set(seed.id, cluster)
  if (lastsMs === 0) return
  world.time.after(lastsMs, () => {
    cluster.status = 'available'
    cluster.latestRestorable = world.time.clock.now()
  })
}

export function checkCluster(
  call: SimulatedCall,
  input: Partial<ClusterSettings> & { readonly id: string },
): void {
  mustBeNew(call, call.state.clusters.has(input.id), `DBCluster ${input.id}`)
  mustFit(call, 'DBClusters', call.state.clusters.size)
  mustHaveGroups(call, input, 'cluster')
}

export function createRdsClusters(world: World, region: string): RdsClusters {
  const state = world.region(region)
  const read = <T>(operation: string, signal: AbortSignal, work: () => T) =>
    world.call(`rds:${operation}`, region, 'read', signal, work)
  const change = (operation: string, signal: AbortSignal, work: (call: SimulatedCall) => void) =>
    world.call(`rds:${operation}`, region, 'change', signal, () =>
      work({ operation: `rds:${operation}`, state, world }),
    )
  const globalOf = (call: SimulatedCall, id: string) =>
    found(call, world.globals.get(id), `GlobalCluster ${id}`)

  function moves(call: SimulatedCall, id: string, targetArn: string, dataLossAllowed: boolean): void {
    const global = globalOf(call, id)
    if (global.failover !== undefined) refuse(call, 'busy', `${id} is ${global.failover.status}`)
    const from = global.members.find(({ writer }) => writer)
    const to = global.members.find(({ clusterArn }) => clusterArn === targetArn)
    if (to === undefined) refuse(call, 'invalid', `${targetArn} is no member of ${id}`)
    if (to.writer) refuse(call, 'invalid', `${targetArn} is the primary already`)
    const [, , , toRegion = '', , , toId = ''] = targetArn.split(':')
    const cluster = found(call, world.region(toRegion).clusters.get(toId), `DBCluster ${toId}`)
    if (cluster.members.length === 0) refuse(call, 'invalid', `${toId} has no instances`)
    if (!dataLossAllowed && from !== undefined && world.region(from.region).dead)
      throw struck('unavailable', call.operation, region, `the primary region ${from.region} is impaired`)
    global.failover = {
      status: 'pending',
      toArn: targetArn,
      dataLossAllowed,
      ...(from !== undefined && { fromArn: from.clusterArn }),
    }
    world.time.after(20_000, () => {
      if (global.failover !== undefined) global.failover = { ...global.failover, status: 'failing-over' }
    })
    world.time.after(dataLossAllowed ? DURATIONS.failover : DURATIONS.switchover, () => {
      delete global.failover
      global.members = global.members.map((member) => ({
        ...member,
        writer: member.clusterArn === targetArn,
        synchronization: member.writer && dataLossAllowed ? 'pending-resync' : 'connected',
      }))
      if (cluster.writerHost !== undefined) {
        world.databases.set(cluster.writerHost, 'writable')
        global.endpoint = cluster.writerHost
      }
      delete cluster.replicaOf
      const [, , , fromRegion = '', , , fromId = ''] = from?.clusterArn.split(':') ?? []
      const old = world.region(fromRegion).clusters.get(fromId)
      if (old?.writerHost !== undefined) world.databases.set(old.writerHost, 'read-only')
    })
  }

  return {
    cluster: (id, signal) => read('DescribeDBClusters', signal, () => looked(world, state.clusters.get(id))),
    clusters: (signal) =>
      read('DescribeDBClusters', signal, () =>
        [...state.clusters.values()].flatMap((each) => looked(world, each) ?? []),
      ),
    createCluster: (input, signal) =>
      change('CreateDBCluster', signal, (call) => {
        checkCluster(call, input)
        const global = input.globalClusterId === undefined ? undefined : globalOf(call, input.globalClusterId)
        const primary = global?.members.find(({ writer }) => writer)
        if (primary !== undefined && world.region(primary.region).dead)
          throw struck(
            'unavailable',
            call.operation,
            region,
            `the primary region ${primary.region} is impaired`,
          )
        if (global !== undefined && global.members.length > 10)
          refuse(call, 'quota', `${global.id} has 10 secondaries`)
        if (global?.encrypted === true && input.kmsKeyArn === undefined)
          refuse(call, 'invalid', 'a secondary of an encrypted global cluster needs KmsKeyId')
        const kmsKeyArn = input.kmsKeyArn === undefined ? undefined : usableKey(call, input.kmsKeyArn)
        const seed = {
          ...input,
          kmsKeyArn,
          encrypted: global === undefined || kmsKeyArn !== undefined,
          replicaOf: primary?.clusterArn,
        }
        addCluster(call, seed, DURATIONS.createCluster)
        if (global === undefined) return
        const clusterArn = `arn:aws:rds:${region}:${world.account}:cluster:${input.id}`
        global.members = [
          ...global.members,
          { clusterArn, region, writer: false, synchronization: 'connected' },
        ]
      }),
    modifyCluster: (id, changes, signal) =>
      change('ModifyDBCluster', signal, (call) => {
        const cluster = found(call, state.clusters.get(id), `DBCluster ${id}`)
        mustBeAvailable(call, cluster)
        mustHaveGroups(call, changes, 'cluster')
        assign<RdsCluster>(cluster, changes)
      }),
    deleteCluster: (id, signal) =>
      change('DeleteDBCluster', signal, (call) => {
        const cluster = found(call, state.clusters.get(id), `DBCluster ${id}`)
        if (cluster.deletionProtection) refuse(call, 'invalid', `${id} is protected from deletion`)
        if (cluster.members.length > 0) refuse(call, 'invalid', `${id} has instances`)
        state.clusters.delete(id)
      }),
    globalCluster: (id, signal) => read('DescribeGlobalClusters', signal, () => world.globals.get(id)),
    globalClusters: (signal) =>
      read('DescribeGlobalClusters', signal, () =>
        [...world.globals.values()].filter(({ members }) =>
          members.some((member) => member.region === region),
        ),
      ),
    createGlobalCluster: ({ id, primaryArn }, signal) =>
      change('CreateGlobalCluster', signal, (call) => {
        mustBeNew(call, world.globals.has(id), `GlobalCluster ${id}`)
        const [, , , primaryRegion = '', , , name = ''] = primaryArn.split(':')
        const primary = found(call, world.region(primaryRegion).clusters.get(name), `DBCluster ${name}`)
        const { engine, engineVersion, encrypted } = primary
        const global: Mutable<GlobalCluster> = {
          ...{ id, engine, engineVersion, encrypted, status: 'available', deletionProtection: false },
          arn: `arn:aws:rds::${world.account}:global-cluster:${id}`,
          members: [{ clusterArn: primaryArn, region: primaryRegion, writer: true }],
          ...(primary.writerHost !== undefined && { endpoint: primary.writerHost }),
        }
        primary.globalClusterId = id
        world.globals.set(id, global)
      }),
    switchoverGlobalCluster: ({ id, targetArn }, signal) =>
      change('SwitchoverGlobalCluster', signal, (call) => moves(call, id, targetArn, false)),
    failoverGlobalCluster: ({ id, targetArn }, signal) =>
      change('FailoverGlobalCluster', signal, (call) => moves(call, id, targetArn, true)),
    removeFromGlobalCluster: ({ id, clusterArn }, signal) =>
      change('RemoveFromGlobalCluster', signal, (call) => {
        const global = globalOf(call, id)
        const [, , , memberRegion = '', , , name = ''] = clusterArn.split(':')
        const cluster = found(call, world.region(memberRegion).clusters.get(name), `DBCluster ${name}`)
        global.members = global.members.filter((member) => member.clusterArn !== clusterArn)
        delete cluster.globalClusterId
        delete cluster.replicaOf
        if (cluster.writerHost !== undefined && cluster.members.length > 0)
          world.databases.set(cluster.writerHost, 'writable')
      }),
    deleteGlobalCluster: (id, signal) =>
      change('DeleteGlobalCluster', signal, (call) => {
        if (globalOf(call, id).members.length > 0) refuse(call, 'invalid', `${id} has members`)
        world.globals.delete(id)
      }),
  }
}
