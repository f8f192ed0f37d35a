import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  EC2Client,
  type Filter,
  type SecurityGroup as GroupAnswer,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2'
import type { Ec2Port, SecurityGroup, SecurityRule } from '../runbooks/ports/ec2.ts'
import { given, known } from './answer.ts'
import { type Api, type ApiSettings, createApi } from './api.ts'
import { permissionOf, rulesOf } from './ec2-rules.ts'
import { vendorCode } from './failure.ts'
import { allPages, inChunks } from './pages.ts'
import { tagList, tagsOf } from './tags.ts'

/** Most values that a filter takes. */
const FILTER_VALUES = 200
const PAGE = 1_000

export function openEc2(settings: ApiSettings): { readonly port: Ec2Port; readonly api: Api<EC2Client> } {
  const api = createApi(settings, (client) => new EC2Client(client))
  return { port: createEc2(api), api }
}

function createEc2(api: Api<EC2Client>): Ec2Port {
  return {
    async securityGroups(ids, signal) {
      const deed = {
        operation: 'ec2:DescribeSecurityGroups',
        to:
          ids === undefined
            ? `list the security groups of ${api.region}`
            : `look at security groups ${ids.join(', ')}`,
      }
      // A filter, since by their ids one group that is gone would fail the look at all.
      const asked: (Filter[] | undefined)[] =
        ids === undefined
          ? [undefined]
          : inChunks(ids, FILTER_VALUES).map((Values) => [{ Name: 'group-id', Values }])
      return await api.call(deed, signal, async (ec2, at) => {
        const found: SecurityGroup[] = []
        for (const Filters of asked) {
          const some = await allPages(async (NextToken) => {
            const which = { Filters, NextToken, MaxResults: PAGE }
            const page = await ec2.send(new DescribeSecurityGroupsCommand(which), at)
            return { items: page.SecurityGroups?.map(groupOf), next: page.NextToken }
          })
          found.push(...some)
        }
        return found
      })
    },

    async createSecurityGroup({ name, description, vpcId, tags }, signal) {
      const deed = { operation: 'ec2:CreateSecurityGroup', to: `create security group '${name}'` }
      const command = new CreateSecurityGroupCommand({
        GroupName: name,
        Description: description,
        VpcId: vpcId,
        ...(Object.keys(tags).length === 0
          ? {}
          : { TagSpecifications: [{ ResourceType: 'security-group', Tags: tagList(tags) }] }),
      })
      return await api.call(deed, signal, async (ec2, at) => ({
        id: given((await ec2.send(command, at)).GroupId, 'GroupId'),
      }))
    },

    async allowInbound(groupId, rules, signal) {
      const deed = {
        operation: 'ec2:AuthorizeSecurityGroupIngress',
        to: `allow inbound rules of security group '${groupId}'`,
      }
      await api.call(deed, signal, (ec2, at) =>
        allOrEach(rules, 'InvalidPermission.Duplicate', async (some) => {
          const change = { GroupId: groupId, IpPermissions: some.map(permissionOf) }
          await ec2.send(new AuthorizeSecurityGroupIngressCommand(change), at)
        }),
      )
    },

    async revokeInbound(groupId, rules, signal) {
      const deed = {
        operation: 'ec2:RevokeSecurityGroupIngress',
        to: `revoke inbound rules of security group '${groupId}'`,
      }
      await api.call(deed, signal, (ec2, at) =>
        allOrEach(rules, 'InvalidPermission.NotFound', async (some) => {
          // A rule is found by its ports and peer; a description that differs would hide it.
          const IpPermissions = some.map(({ description: _, ...rule }) => permissionOf(rule))
          await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions }), at)
        }),
      )
    },

    async subnets(vpcId, signal) {
      const deed = { operation: 'ec2:DescribeSubnets', to: `list the subnets of ${vpcId ?? api.region}` }
      const Filters = vpcId === undefined ? undefined : [{ Name: 'vpc-id', Values: [vpcId] }]
      return await api.call(deed, signal, (ec2, at) =>
        allPages(async (NextToken) => {
          const page = await ec2.send(
            new DescribeSubnetsCommand({ Filters, NextToken, MaxResults: PAGE }),
            at,
          )
          const items = page.Subnets?.map((subnet) => ({
            id: given(subnet.SubnetId, 'SubnetId'),
            vpcId: subnet.VpcId ?? '',
            zone: subnet.AvailabilityZone ?? '',
            cidr: subnet.CidrBlock ?? '',
            freeAddresses: subnet.AvailableIpAddressCount ?? 0,
            ...known({ name: tagsOf(subnet.Tags).Name }),
          }))
          return { items, next: page.NextToken }
        }),
      )
    },

    async vpcs(signal) {
      const deed = { operation: 'ec2:DescribeVpcs', to: `list the VPCs of ${api.region}` }
      return await api.call(deed, signal, (ec2, at) =>
        allPages(async (NextToken) => {
          const page = await ec2.send(new DescribeVpcsCommand({ NextToken, MaxResults: PAGE }), at)
          const items = page.Vpcs?.map((vpc) => ({
            id: given(vpc.VpcId, 'VpcId'),
            cidr: vpc.CidrBlock ?? '',
            isDefault: vpc.IsDefault ?? false,
            ...known({ name: tagsOf(vpc.Tags).Name }),
          }))
          return { items, next: page.NextToken }
        }),
      )
    },
  }
}

function groupOf(from: GroupAnswer): SecurityGroup {
  return {
    id: given(from.GroupId, 'GroupId'),
    name: from.GroupName ?? '',
    description: from.Description ?? '',
    vpcId: from.VpcId ?? '',
    inbound: rulesOf(from.IpPermissions),
    outbound: rulesOf(from.IpPermissionsEgress),
    tags: tagsOf(from.Tags),
  }
}

/** EC2 refuses all rules for one that is so already: then each is changed by itself. */
async function allOrEach(
  rules: readonly SecurityRule[],
  settled: string,
  change: (rules: readonly SecurityRule[]) => Promise<void>,
): Promise<void> {
  if (rules.length === 0) return
  try {
    await change(rules)
  } catch (thrown) {
    if (vendorCode(thrown) !== settled) throw thrown
    if (rules.length === 1) return
    for (const rule of rules) await allOrEach([rule], settled, change)
  }
}
