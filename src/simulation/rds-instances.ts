import type { InstanceSettings, RdsInstance, RdsInstances } from '../runbooks/ports/rds.ts'
import type { Tags } from '../runbooks/ports.ts'
import {
  assign,
  found,
  mustBeAvailable,
  mustBeNew,
  mustFit,
  mustHaveGroups,
  mustHaveRoom,
  refuse,
  type SimulatedCall,
  usableKey,
} from './checks.ts'
import { DURATIONS, looked, SHOWN_MS } from './durations.ts'
import type { Mutable, World } from './world.ts'

/** Everything that a new instance has, from what it was asked for. */
export interface InstanceSeed extends Partial<InstanceSettings> {
  readonly id: string
  readonly engine: string
  readonly engineVersion: string
  readonly instanceClass: string
  readonly storage: RdsInstance['storage']
  readonly encrypted: boolean
  readonly kmsKeyArn?: string | undefined
  readonly backupRetentionDays: number
  readonly masterUser?: string | undefined
  readonly databaseName?: string | undefined
  readonly replicaOf?: string | undefined
  readonly clusterId?: string | undefined
  readonly tags: Tags
}

/** Puts an instance into a region, which is `creating` for so long. */
export function addInstance(call: SimulatedCall, seed: InstanceSeed, lastsMs: number): void {
  const { state, world } = call
  const { time, account } = world
  const host = `${seed.id}.c1sim.${state.name}.rds.amazonaws.com`
  const port = seed.port ?? (seed.engine.includes('postgres') ? 5432 : 3306)
  const { replicaOf, clusterId, kmsKeyArn, masterUser, databaseName, subnetGroup } = seed
  const vpcId = subnetGroup === undefined ? undefined : state.subnetGroups.get(subnetGroup)?.vpcId
  const zone = seed.zone ?? state.orderable[0]?.zones[0]
  const instance: Mutable<RdsInstance> & { visibleMs: number } = {
    visibleMs: time.nowMs() + (lastsMs === 0 ? 0 : SHOWN_MS),
    id: seed.id,
    arn: `arn:aws:rds:${state.name}:${account}:db:${seed.id}`,
    status: lastsMs === 0 ? 'available' : 'creating',
    engine: seed.engine,
    engineVersion: seed.engineVersion,
    instanceClass: seed.instanceClass,
    storage: seed.storage,
    multiAz: seed.multiAz ?? false,
    securityGroups: seed.securityGroups ?? [],
    parameterGroups: [{ name: seed.parameterGroup ?? `default.${seed.engine}`, status: 'in-sync' }],
    optionGroups: [{ name: seed.optionGroup ?? `default:${seed.engine}`, status: 'in-sync' }],
    encrypted: seed.encrypted,
    publiclyAccessible: seed.publiclyAccessible ?? false,
    deletionProtection: seed.deletionProtection ?? false,
    backupRetentionDays: seed.backupRetentionDays,
    iamAuthentication: seed.iamAuthentication ?? false,
    logExports: seed.logExports ?? [],
    roles: [],
    resourceId: `db-${Buffer.from(`${state.name}/${seed.id}`).toString('hex').toUpperCase().slice(-26)}`,
    replicas: [],
    backupReplications: [],
    tags: seed.tags,
    ...(zone !== undefined && { zone }),
    ...(subnetGroup !== undefined && { subnetGroup }),
    ...(vpcId !== undefined && { vpcId }),
    ...(kmsKeyArn !== undefined && { kmsKeyArn }),
    ...(replicaOf !== undefined && { replicaOf }),
    ...(clusterId !== undefined && { clusterId }),
    ...(masterUser !== undefined && { masterUser }),
    ...(databaseName !== undefined && { databaseName }),
  }
  const ready = () => {
    instance.status = 'available'
    instance.endpoint = { host, port }
    instance.latestRestorable = time.clock.now()
    world.databases.set(host, replicaOf === undefined ? 'writable' : 'read-only')
  }
  state.instances.set(seed.id, instance)
  if (lastsMs === 0) ready()
  else time.after(lastsMs, ready)
}

export function checkInstance(
  call: SimulatedCall,
  { id, instanceClass, ...rest }: Partial<InstanceSettings> & { id: string; instanceClass: string },
): void {
  mustBeNew(call, call.state.instances.has(id), `DBInstance ${id}`)
  mustFit(call, 'DBInstances', call.state.instances.size)
  mustHaveGroups(call, rest)
  mustHaveRoom(call, instanceClass, rest.zone)
}

function becomes(
  world: World,
  instance: Mutable<RdsInstance>,
  status: string,
  lastsMs: number,
  then?: () => void,
): void {
  // A look right after the call still shows what was.
  world.time.after(SHOWN_MS, () => {
    instance.status = status
  })
  world.time.after(SHOWN_MS + lastsMs, () => {
    instance.status = 'available'
    then?.()
  })
}

export function createRdsInstances(world: World, region: string): RdsInstances {
  const state = world.region(region)
  const on = (operation: string): SimulatedCall => ({ operation: `rds:${operation}`, state, world })
  const read = <T>(operation: string, signal: AbortSignal, work: () => T) =>
    world.call(`rds:${operation}`, region, 'read', signal, work)
  const change = (operation: string, signal: AbortSignal, work: (call: SimulatedCall) => void) =>
    world.call(`rds:${operation}`, region, 'change', signal, () => work(on(operation)))
  const get = (call: SimulatedCall, id: string) => found(call, state.instances.get(id), `DBInstance ${id}`)

  return {
    instance: (id, signal) =>
      read('DescribeDBInstances', signal, () => looked(world, state.instances.get(id))),
    instances: (signal) =>
      read('DescribeDBInstances', signal, () =>
        [...state.instances.values()].flatMap((each) => looked(world, each) ?? []),
      ),
    createInstance: (input, signal) =>
      change('CreateDBInstance', signal, (call) => {
        checkInstance(call, input)
        const kmsKeyArn = input.kmsKeyArn === undefined ? undefined : usableKey(call, input.kmsKeyArn)
        addInstance(call, { ...input, kmsKeyArn, encrypted: true }, DURATIONS.createInstance)
      }),
    createClusterInstance: (input, signal) =>
      change('CreateDBInstance', signal, (call) => {
        const cluster = found(call, state.clusters.get(input.clusterId), `DBCluster ${input.clusterId}`)
        mustBeAvailable(call, cluster)
        mustBeNew(call, state.instances.has(input.id), `DBInstance ${input.id}`)
        mustFit(call, 'DBInstances', state.instances.size)
        mustHaveRoom(call, input.instanceClass, input.zone)
        const { engineVersion, encrypted, kmsKeyArn, backupRetentionDays, subnetGroup, securityGroups } =
          cluster
        addInstance(
          call,
          {
            ...{ ...input, engineVersion, encrypted, kmsKeyArn, backupRetentionDays, securityGroups },
            ...(subnetGroup !== undefined && { subnetGroup }),
            storage: { type: 'aurora', gib: 1 },
          },
          DURATIONS.createInstance,
        )
        cluster.members = [...cluster.members, { instanceId: input.id, writer: cluster.members.length === 0 }]
        world.time.after(DURATIONS.createInstance, () => {
          if (cluster.readerHost !== undefined) world.databases.set(cluster.readerHost, 'read-only')
          if (cluster.writerHost !== undefined && cluster.replicaOf === undefined)
            world.databases.set(cluster.writerHost, 'writable')
        })
      }),
    createReplica: (input, signal) =>
      change('CreateDBInstanceReadReplica', signal, (call) => {
        const [, , , from = region, , , name = input.sourceArn] = input.sourceArn.split(':')
        const source = found(call, world.region(from).instances.get(name), `DBInstance ${name}`)
        mustBeAvailable(call, source)
        if (source.backupRetentionDays === 0) refuse(call, 'invalid', `${name} has no automated backups`)
        checkInstance(call, input)
        if (source.encrypted && from !== region && input.kmsKeyArn === undefined)
          refuse(call, 'invalid', 'a replica of an encrypted instance in another region needs KmsKeyId')
        const kmsKeyArn = input.kmsKeyArn === undefined ? source.kmsKeyArn : usableKey(call, input.kmsKeyArn)
        const { engine, engineVersion, storage, encrypted } = source
        const seed = { ...input, engine, engineVersion, storage, encrypted, kmsKeyArn }
        addInstance(call, { ...seed, backupRetentionDays: 0, replicaOf: source.arn }, DURATIONS.createReplica)
        source.replicas = [...source.replicas, `arn:aws:rds:${region}:${world.account}:db:${input.id}`]
      }),
    promoteReplica: ({ id, backupRetentionDays, backupWindow }, signal) =>
      change('PromoteReadReplica', signal, (call) => {
        const instance = get(call, id)
        if (instance.replicaOf === undefined) refuse(call, 'invalid', `${id} is not a read replica`)
        mustBeAvailable(call, instance)
        becomes(world, instance, 'modifying', DURATIONS.promote, () => {
          delete instance.replicaOf
          assign(instance, { backupRetentionDays, ...(backupWindow !== undefined && { backupWindow }) })
          if (instance.endpoint !== undefined) world.databases.set(instance.endpoint.host, 'writable')
        })
      }),
    modifyInstance: (id, changes, signal) =>
      change('ModifyDBInstance', signal, (call) => {
        const instance = get(call, id)
        mustBeAvailable(call, instance)
        mustHaveGroups(call, changes)
        const { parameterGroup, optionGroup, ...rest } = changes
        becomes(world, instance, 'modifying', DURATIONS.modify, () => {
          assign<RdsInstance>(instance, rest)
          if (parameterGroup !== undefined)
            instance.parameterGroups = [{ name: parameterGroup, status: 'pending-reboot' }]
          if (optionGroup !== undefined) instance.optionGroups = [{ name: optionGroup, status: 'in-sync' }]
        })
      }),
    rebootInstance: (id, signal) =>
      change('RebootDBInstance', signal, (call) => {
        const instance = get(call, id)
        mustBeAvailable(call, instance)
        becomes(world, instance, 'rebooting', DURATIONS.reboot, () => {
          instance.parameterGroups = instance.parameterGroups.map(({ name }) => ({ name, status: 'in-sync' }))
        })
      }),
    addRole: ({ kind, id, role, feature }, signal) =>
      change(kind === 'cluster' ? 'AddRoleToDBCluster' : 'AddRoleToDBInstance', signal, (call) => {
        const thing =
          kind === 'cluster' ? found(call, state.clusters.get(id), `DBCluster ${id}`) : get(call, id)
        mustBeAvailable(call, thing)
        if (kind === 'instance' && feature === undefined) refuse(call, 'invalid', 'FeatureName is required')
        const features = thing.roleFeatures ?? []
        const has =
          feature === undefined
            ? thing.roles.includes(role)
            : features.some((each) => each.role === role && each.feature === feature)
        if (has) refuse(call, 'exists', `${id} has ${role} already`)
        thing.roles = [...new Set([...thing.roles, role])]
        if (feature !== undefined) thing.roleFeatures = [...features, { role, feature }]
      }),
    deleteInstance: (id, signal) =>
      change('DeleteDBInstance', signal, (call) => {
        const instance = get(call, id)
        if (instance.deletionProtection) refuse(call, 'invalid', `${id} is protected from deletion`)
        instance.status = 'deleting'
        world.time.after(DURATIONS.modify, () => {
          state.instances.delete(id)
          if (instance.endpoint !== undefined) world.databases.delete(instance.endpoint.host)
        })
      }),
  }
}
