import {
  CreateDBClusterParameterGroupCommand,
  CreateDBParameterGroupCommand,
  type DBClusterParameterGroup,
  type DBParameterGroup,
  DescribeDBClusterParameterGroupsCommand,
  DescribeDBClusterParametersCommand,
  DescribeDBParameterGroupsCommand,
  DescribeDBParametersCommand,
  ModifyDBClusterParameterGroupCommand,
  ModifyDBParameterGroupCommand,
  type Parameter,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type { GroupParameter, ParameterGroup, RdsGroups } from '../runbooks/ports/rds-groups.ts'
import { given } from './answer.ts'
import type { Api, CallOptions } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages, eachOf, inChunks } from './pages.ts'
import { tagList } from './tags.ts'

type ParameterGroups = Pick<
  RdsGroups,
  'parameterGroup' | 'parameterGroups' | 'createParameterGroup' | 'setParameters'
>
type Of = 'instance' | 'cluster'

/** Most parameters that one call of ModifyDBParameterGroup takes. */
const PARAMETERS_AT_ONCE = 20

export function createParameterGroups(api: Api<RDSClient>): ParameterGroups {
  return {
    async parameterGroup(of, name, signal) {
      const deed = { operation: operations[of].describe, to: `look at parameter group '${name}'` }
      const found = await ifThere(api.call(deed, signal, (rds, at) => groups(rds, of, name, at)))
      return found?.[0]
    },

    async parameterGroups(of, signal) {
      const deed = { operation: operations[of].describe, to: `list the parameter groups of ${api.region}` }
      return await api.call(deed, signal, (rds, at) => groups(rds, of, undefined, at))
    },

    async createParameterGroup({ of, name, family, description, tags }, signal) {
      const deed = { operation: operations[of].create, to: `create parameter group '${name}'` }
      const common = { DBParameterGroupFamily: family, Description: description, Tags: tagList(tags) }
      await api.call(deed, signal, async (rds, at) =>
        of === 'cluster'
          ? await rds.send(
              new CreateDBClusterParameterGroupCommand({ ...common, DBClusterParameterGroupName: name }),
              at,
            )
          : await rds.send(new CreateDBParameterGroupCommand({ ...common, DBParameterGroupName: name }), at),
      )
    },

    async setParameters(of, name, parameters, signal) {
      const deed = { operation: operations[of].modify, to: `set parameters of group '${name}'` }
      await api.call(deed, signal, async (rds, at) => {
        for (const chunk of inChunks(parameters.map(parameterInput), PARAMETERS_AT_ONCE)) {
          if (of === 'cluster') {
            const change = { DBClusterParameterGroupName: name, Parameters: chunk }
            await rds.send(new ModifyDBClusterParameterGroupCommand(change), at)
          } else {
            const change = { DBParameterGroupName: name, Parameters: chunk }
            await rds.send(new ModifyDBParameterGroupCommand(change), at)
          }
        }
      })
    },
  }
}

const operations = {
  instance: {
    describe: 'rds:DescribeDBParameterGroups',
    create: 'rds:CreateDBParameterGroup',
    modify: 'rds:ModifyDBParameterGroup',
  },
  cluster: {
    describe: 'rds:DescribeDBClusterParameterGroups',
    create: 'rds:CreateDBClusterParameterGroup',
    modify: 'rds:ModifyDBClusterParameterGroup',
  },
} as const satisfies Record<Of, Record<'describe' | 'create' | 'modify', string>>

async function groups(
  rds: RDSClient,
  of: Of,
  name: string | undefined,
  at: CallOptions,
): Promise<ParameterGroup[]> {
  const found = await allPages<DBParameterGroup & DBClusterParameterGroup>(async (Marker) => {
    if (of === 'cluster') {
      const which = { DBClusterParameterGroupName: name, Marker, MaxRecords: 100 }
      const page = await rds.send(new DescribeDBClusterParameterGroupsCommand(which), at)
      return { items: page.DBClusterParameterGroups, next: page.Marker }
    }
    const which = { DBParameterGroupName: name, Marker, MaxRecords: 100 }
    const page = await rds.send(new DescribeDBParameterGroupsCommand(which), at)
    return { items: page.DBParameterGroups, next: page.Marker }
  })
  return await eachOf(found, async (group) => {
    const named = given(group.DBClusterParameterGroupName ?? group.DBParameterGroupName, 'name of a group')
    return {
      name: named,
      family: group.DBParameterGroupFamily ?? '',
      description: group.Description ?? '',
      // Nobody can change AWS's own groups, so nothing in them is set.
      parameters: named.startsWith('default.') ? [] : await setBySomebody(rds, of, named, at),
    }
  })
}

async function setBySomebody(
  rds: RDSClient,
  of: Of,
  name: string,
  at: CallOptions,
): Promise<GroupParameter[]> {
  const found = await allPages<Parameter>(async (Marker) => {
    const page =
      of === 'cluster'
        ? await rds.send(
            new DescribeDBClusterParametersCommand({
              DBClusterParameterGroupName: name,
              Source: 'user',
              Marker,
            }),
            at,
          )
        : await rds.send(
            new DescribeDBParametersCommand({ DBParameterGroupName: name, Source: 'user', Marker }),
            at,
          )
    return { items: page.Parameters, next: page.Marker }
  })
  return found.flatMap(({ ParameterName, ParameterValue, ApplyMethod }) =>
    ParameterName === undefined || ParameterValue === undefined
      ? []
      : [{ name: ParameterName, value: ParameterValue, apply: ApplyMethod ?? 'pending-reboot' }],
  )
}

function parameterInput({ name, value, apply }: GroupParameter): Parameter {
  return { ParameterName: name, ParameterValue: value, ApplyMethod: apply }
}
