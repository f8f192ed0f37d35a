import {
  CreateOptionGroupCommand,
  DescribeOptionGroupsCommand,
  ModifyOptionGroupCommand,
  type Option,
  type OptionGroup as OptionGroupAnswer,
  type OptionSetting,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type { GroupOption, OptionGroup, RdsGroups } from '../runbooks/ports/rds-groups.ts'
import { given, known, texts } from './answer.ts'
import type { Api, CallOptions } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages } from './pages.ts'
import { tagList } from './tags.ts'

type OptionGroups = Pick<RdsGroups, 'optionGroup' | 'optionGroups' | 'createOptionGroup' | 'setOptions'>

export function createOptionGroups(api: Api<RDSClient>): OptionGroups {
  const operation = 'rds:DescribeOptionGroups'
  return {
    async optionGroup(name, signal) {
      const deed = { operation, to: `look at option group '${name}'` }
      const found = await ifThere(api.call(deed, signal, (rds, at) => groups(rds, name, at)))
      return found?.[0]
    },

    async optionGroups(signal) {
      const deed = { operation, to: `list the option groups of ${api.region}` }
      return await api.call(deed, signal, (rds, at) => groups(rds, undefined, at))
    },

    async createOptionGroup({ name, engine, majorVersion, description, tags }, signal) {
      const deed = { operation: 'rds:CreateOptionGroup', to: `create option group '${name}'` }
      const command = new CreateOptionGroupCommand({
        OptionGroupName: name,
        EngineName: engine,
        MajorEngineVersion: majorVersion,
        OptionGroupDescription: description,
        Tags: tagList(tags),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async setOptions(name, options, signal) {
      if (options.length === 0) return
      const deed = { operation: 'rds:ModifyOptionGroup', to: `set options of group '${name}'` }
      const command = new ModifyOptionGroupCommand({
        OptionGroupName: name,
        OptionsToInclude: options.map(optionInput),
        ApplyImmediately: true,
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },
  }
}

function groups(rds: RDSClient, name: string | undefined, at: CallOptions): Promise<OptionGroup[]> {
  return allPages(async (Marker) => {
    const which = { OptionGroupName: name, Marker, MaxRecords: 100 }
    const page = await rds.send(new DescribeOptionGroupsCommand(which), at)
    return { items: page.OptionGroupsList?.map(groupOf), next: page.Marker }
  })
}

function groupOf(from: OptionGroupAnswer): OptionGroup {
  return {
    name: given(from.OptionGroupName, 'OptionGroupName'),
    engine: from.EngineName ?? '',
    majorVersion: from.MajorEngineVersion ?? '',
    description: from.OptionGroupDescription ?? '',
    options: (from.Options ?? []).map(optionOf),
    ...known({ vpcId: from.VpcId }),
  }
}

function optionOf(from: Option): GroupOption {
  return {
    name: given(from.OptionName, 'OptionName'),
    settings: Object.fromEntries((from.OptionSettings ?? []).flatMap(settingOf)),
    securityGroups: texts(from.VpcSecurityGroupMemberships?.map((group) => group.VpcSecurityGroupId)),
    ...known({ version: from.OptionVersion, port: from.Port }),
  }
}

/** Only what somebody has set. Passwords come as asterisks (OEM's agent): no value to create anything with. */
function settingOf({ Name, Value, DefaultValue }: OptionSetting): [string, string][] {
  if (Name === undefined || Value === undefined || Value === DefaultValue || /^\*+$/.test(Value)) return []
  return [[Name, Value]]
}

function optionInput({ name, version, port, settings, securityGroups }: GroupOption) {
  return {
    OptionName: name,
    ...known({ OptionVersion: version, Port: port }),
    ...(securityGroups.length === 0 ? {} : { VpcSecurityGroupMemberships: [...securityGroups] }),
    OptionSettings: Object.entries(settings).map(([Name, Value]) => ({ Name, Value })),
  }
}
