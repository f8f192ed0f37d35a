import type { IpPermission } from '@aws-sdk/client-ec2'
import type { SecurityRule } from '../runbooks/ports/ec2.ts'
import { known } from './answer.ts'

/** EC2 groups peers under their ports; here each is a rule of its own. */
export function rulesOf(permissions: readonly IpPermission[] | undefined): SecurityRule[] {
  return (permissions ?? []).flatMap((permission) => {
    const { IpProtocol: protocol = '-1', FromPort: fromPort, ToPort: toPort } = permission
    const peers = [
      ...(permission.IpRanges ?? []).map((one) => [one.CidrIp, one.Description] as const),
      ...(permission.Ipv6Ranges ?? []).map((one) => [one.CidrIpv6, one.Description] as const),
      ...(permission.UserIdGroupPairs ?? []).map((one) => [one.GroupId, one.Description] as const),
      ...(permission.PrefixListIds ?? []).map((one) => [one.PrefixListId, one.Description] as const),
    ]
    return peers.map(([peer = '', description]) => ({
      protocol,
      peer,
      ...known({ fromPort, toPort, description }),
    }))
  })
}

export function permissionOf({ protocol, fromPort, toPort, peer, description }: SecurityRule): IpPermission {
  const said = known({ Description: description })
  const ports = { IpProtocol: protocol, ...known({ FromPort: fromPort, ToPort: toPort }) }
  if (peer.startsWith('sg-')) return { ...ports, UserIdGroupPairs: [{ GroupId: peer, ...said }] }
  if (peer.startsWith('pl-')) return { ...ports, PrefixListIds: [{ PrefixListId: peer, ...said }] }
  if (peer.includes(':')) return { ...ports, Ipv6Ranges: [{ CidrIpv6: peer, ...said }] }
  return { ...ports, IpRanges: [{ CidrIp: peer, ...said }] }
}
