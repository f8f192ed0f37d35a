import {
  CreateDBSubnetGroupCommand,
  type DBSubnetGroup,
  DescribeDBSubnetGroupsCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type { RdsGroups, SubnetGroup } from '../runbooks/ports/rds-groups.ts'
import { given } from './answer.ts'
import type { Api } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages } from './pages.ts'
import { createOffers } from './rds-offers.ts'
import { createOptionGroups } from './rds-option-groups.ts'
import { createParameterGroups } from './rds-parameter-groups.ts'
import { tagList } from './tags.ts'

export function createRdsGroups(api: Api<RDSClient>): RdsGroups {
  const operation = 'rds:DescribeDBSubnetGroups'
  return {
    ...createParameterGroups(api),
    ...createOptionGroups(api),
    ...createOffers(api),

    async subnetGroup(name, signal) {
      const deed = { operation, to: `look at subnet group '${name}'` }
      const answer = await ifThere(
        api.call(deed, signal, (rds, at) =>
          rds.send(new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName: name }), at),
        ),
      )
      const found = answer?.DBSubnetGroups?.[0]
      return found === undefined ? undefined : subnetGroupOf(found)
    },

    async subnetGroups(signal) {
      const deed = { operation, to: `list the subnet groups of ${api.region}` }
      return await api.call(deed, signal, (rds, at) =>
        allPages(async (Marker) => {
          const page = await rds.send(new DescribeDBSubnetGroupsCommand({ Marker, MaxRecords: 100 }), at)
          return { items: page.DBSubnetGroups?.map(subnetGroupOf), next: page.Marker }
        }),
      )
    },

    async createSubnetGroup({ name, description, subnetIds, tags }, signal) {
      const deed = { operation: 'rds:CreateDBSubnetGroup', to: `create subnet group '${name}'` }
      const command = new CreateDBSubnetGroupCommand({
        DBSubnetGroupName: name,
        DBSubnetGroupDescription: description,
        SubnetIds: [...subnetIds],
        Tags: tagList(tags),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },
  }
}

function subnetGroupOf(from: DBSubnetGroup): SubnetGroup {
  return {
    name: given(from.DBSubnetGroupName, 'DBSubnetGroupName'),
    vpcId: from.VpcId ?? '',
    description: from.DBSubnetGroupDescription ?? '',
    subnets: (from.Subnets ?? []).map((subnet) => ({
      id: given(subnet.SubnetIdentifier, 'SubnetIdentifier'),
      zone: subnet.SubnetAvailabilityZone?.Name ?? '',
    })),
  }
}
