import type { RdsGroups } from '../runbooks/ports/rds-groups.ts'
import { found, mustBeNew, refuse, type SimulatedCall } from './checks.ts'
import type { World } from './world.ts'

export function createRdsGroups(world: World, region: string): RdsGroups {
  const state = world.region(region)
  const read = <T>(operation: string, signal: AbortSignal, work: () => T) =>
    world.call(`rds:${operation}`, region, 'read', signal, work)
  const change = (operation: string, signal: AbortSignal, work: (call: SimulatedCall) => void) =>
    world.call(`rds:${operation}`, region, 'change', signal, () =>
      work({ operation: `rds:${operation}`, state, world }),
    )
  const parameters = (of: 'instance' | 'cluster') =>
    of === 'instance' ? 'DBParameterGroup' : 'DBClusterParameterGroup'
  return {
    subnetGroup: (name, signal) => read('DescribeDBSubnetGroups', signal, () => state.subnetGroups.get(name)),
    subnetGroups: (signal) => read('DescribeDBSubnetGroups', signal, () => [...state.subnetGroups.values()]),
    createSubnetGroup: ({ name, description, subnetIds }, signal) =>
      change('CreateDBSubnetGroup', signal, (call) => {
        mustBeNew(call, state.subnetGroups.has(name), name)
        const subnets = subnetIds.map((id) => found(call, state.subnets.get(id), id))
        const [first] = subnets
        if (first === undefined || new Set(subnets.map(({ zone }) => zone)).size < 2)
          refuse(call, 'invalid', 'a subnet group covers two zones at least')
        if (subnets.some(({ vpcId }) => vpcId !== first.vpcId)) refuse(call, 'invalid', 'subnets of two VPCs')
        const members = subnets.map(({ id, zone }) => ({ id, zone }))
        state.subnetGroups.set(name, { name, description, vpcId: first.vpcId, subnets: members })
      }),
    parameterGroup: (of, name, signal) =>
      read(`Describe${parameters(of)}s`, signal, () => state.parameterGroups.get(`${of}/${name}`)),
    parameterGroups: (of, signal) =>
      read(`Describe${parameters(of)}s`, signal, () =>
        [...state.parameterGroups].flatMap(([key, group]) => (key.startsWith(`${of}/`) ? [group] : [])),
      ),
    createParameterGroup: ({ of, name, family, description }, signal) =>
      change(`Create${parameters(of)}`, signal, (call) => {
        mustBeNew(call, state.parameterGroups.has(`${of}/${name}`), name)
        state.parameterGroups.set(`${of}/${name}`, { name, family, description, parameters: [] })
      }),
    setParameters: (of, name, wanted, signal) =>
      change(`Modify${parameters(of)}`, signal, (call) => {
        const group = found(call, state.parameterGroups.get(`${of}/${name}`), name)
        const kept = group.parameters.filter((each) => !wanted.some((other) => other.name === each.name))
        state.parameterGroups.set(`${of}/${name}`, { ...group, parameters: [...kept, ...wanted] })
      }),
    optionGroup: (name, signal) => read('DescribeOptionGroups', signal, () => state.optionGroups.get(name)),
    optionGroups: (signal) => read('DescribeOptionGroups', signal, () => [...state.optionGroups.values()]),
    createOptionGroup: ({ name, engine, majorVersion, description }, signal) =>
      change('CreateOptionGroup', signal, (call) => {
        mustBeNew(call, state.optionGroups.has(name), name)
        state.optionGroups.set(name, { name, engine, majorVersion, description, options: [] })
      }),
    setOptions: (name, wanted, signal) =>
      change('ModifyOptionGroup', signal, (call) => {
        const group = found(call, state.optionGroups.get(name), name)
        const kept = group.options.filter((each) => !wanted.some((other) => other.name === each.name))
        state.optionGroups.set(name, { ...group, options: [...kept, ...wanted] })
      }),
    orderable: ({ instanceClass }, signal) =>
      read('DescribeOrderableDBInstanceOptions', signal, () =>
        state.orderable.filter((each) => instanceClass === undefined || each.instanceClass === instanceClass),
      ),
    engineVersions: (engine, signal) =>
      read('DescribeDBEngineVersions', signal, () =>
        state.engineVersions.flatMap(({ engine: of, version, family }) =>
          of === engine ? [{ version, family }] : [],
        ),
      ),
    quotas: (signal) =>
      read('DescribeAccountAttributes', signal, () =>
        [...state.quotas].map(([name, most]) => ({
          name,
          most,
          used:
            name === 'DBInstances'
              ? state.instances.size
              : name === 'DBClusters'
                ? state.clusters.size
                : [...state.snapshots.values()].filter(({ type }) => type === 'manual').length,
        })),
      ),
  }
}
