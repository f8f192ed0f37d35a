import type { Ec2Port, SecurityRule } from '../runbooks/ports/ec2.ts'
import { found, mustBeNew } from './checks.ts'
import type { World } from './world.ts'

export function createEc2(world: World, region: string): Ec2Port {
  const state = world.region(region)
  const on = (operation: string) => ({ operation: `ec2:${operation}`, state, world })
  const same = (a: SecurityRule, b: SecurityRule) =>
    a.protocol === b.protocol && a.fromPort === b.fromPort && a.toPort === b.toPort && a.peer === b.peer
  return {
    securityGroups: (ids, signal) =>
      world.call('ec2:DescribeSecurityGroups', region, 'read', signal, () =>
        [...state.securityGroups.values()].filter(({ id }) => ids?.includes(id) ?? true),
      ),
    createSecurityGroup: (input, signal) =>
      world.call('ec2:CreateSecurityGroup', region, 'change', signal, () => {
        const there = [...state.securityGroups.values()]
        const taken = there.some(({ name, vpcId }) => name === input.name && vpcId === input.vpcId)
        mustBeNew(on('CreateSecurityGroup'), taken, input.name)
        const id = `sg-${(there.length + 1).toString(16).padStart(17, '0')}`
        const outbound = [{ protocol: '-1', peer: '0.0.0.0/0' }]
        state.securityGroups.set(id, { ...input, id, inbound: [], outbound })
        return { id }
      }),
    allowInbound: (groupId, rules, signal) =>
      world.call('ec2:AuthorizeSecurityGroupIngress', region, 'change', signal, () => {
        const group = found(on('AuthorizeSecurityGroupIngress'), state.securityGroups.get(groupId), groupId)
        const fresh = rules.filter((rule) => !group.inbound.some((each) => same(each, rule)))
        group.inbound = [...group.inbound, ...fresh]
      }),
    revokeInbound: (groupId, rules, signal) =>
      world.call('ec2:RevokeSecurityGroupIngress', region, 'change', signal, () => {
        const group = found(on('RevokeSecurityGroupIngress'), state.securityGroups.get(groupId), groupId)
        group.inbound = group.inbound.filter((each) => !rules.some((rule) => same(each, rule)))
      }),
    subnets: (vpcId, signal) =>
      world.call('ec2:DescribeSubnets', region, 'read', signal, () =>
        [...state.subnets.values()].filter((each) => vpcId === undefined || each.vpcId === vpcId),
      ),
    vpcs: (signal) => world.call('ec2:DescribeVpcs', region, 'read', signal, () => [...state.vpcs.values()]),
  }
}
