import { RUN_TAG, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import type { LandingPlace } from './landing-security-steps.ts'
import type { CloudPorts } from './ports.ts'
import type { PrepareFacts } from './prepare-facts.ts'

type SubnetGroup = NonNullable<PrepareFacts['subnetGroup']>
type ParameterGroup = NonNullable<PrepareFacts['parameterGroup']>
type OptionGroup = NonNullable<PrepareFacts['optionGroup']>

export function createSubnets(
  { region, account, run }: LandingPlace,
  { name, description, subnetIds }: SubnetGroup,
): Step<CloudPorts> {
  const tags = { [RUN_TAG]: run.id }
  const option = { 'db-subnet-group-name': name }
  return {
    id: 'create-subnet-group',
    title: `create subnet group ${name} in ${region}`,
    effect: 'create',
    command: () => [
      aws(region, 'rds', 'create-db-subnet-group', {
        ...{ ...option, 'db-subnet-group-description': description, 'subnet-ids': subnetIds },
        tags: tagWords(tags),
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-db-subnet-groups', option] as const),
        'DBSubnetGroups[].SubnetGroupStatus',
        'Complete',
      ),
    permissions: () => [
      mayLook('rds:DescribeDBSubnetGroups'),
      creates('rds:CreateDBSubnetGroup', rdsArn(region, account, 'subgrp', name)),
    ],
    async observe({ target: { rds } }, signal) {
      const found = await rds.subnetGroup(name, signal)
      return found === undefined ? { state: 'todo' } : { state: 'done', seen: { vpc: found.vpcId } }
    },
    apply: ({ target: { rds } }, signal) =>
      rds.createSubnetGroup({ name, description, subnetIds, tags }, signal),
  }
}

const PARAMETER_WORDS = {
  instance: { command: 'db-parameter-group', list: 'db-parameters', action: 'DBParameterGroup', arn: 'pg' },
  cluster: {
    ...{ command: 'db-cluster-parameter-group', list: 'db-cluster-parameters' },
    ...{ action: 'DBClusterParameterGroup', arn: 'cluster-pg' },
  },
} as const

export function createParameters(
  { region, account, run }: LandingPlace,
  of: 'instance' | 'cluster',
  { name, family, description }: ParameterGroup,
): Step<CloudPorts> {
  const words = PARAMETER_WORDS[of]
  const tags = { [RUN_TAG]: run.id }
  const option = { [`${words.command}-name`]: name }
  return {
    id: 'create-parameter-group',
    title: `create parameter group ${name} (${family}) in ${region}`,
    effect: 'create',
    command: () => [
      aws(region, 'rds', `create-${words.command}`, {
        ...{ ...option, 'db-parameter-group-family': family, description, tags: tagWords(tags) },
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', `describe-${words.command}s`, option] as const),
        `${words.action}s[].DBParameterGroupFamily`,
        family,
      ),
    permissions: () => [
      mayLook(`rds:Describe${words.action}s`, `rds:Describe${words.action.replace('Group', 's')}`),
      creates(`rds:Create${words.action}`, rdsArn(region, account, words.arn, name)),
    ],
    async observe({ target: { rds } }, signal) {
      const found = await rds.parameterGroup(of, name, signal)
      if (found === undefined) return { state: 'todo' }
      if (found.family === family) return { state: 'done' }
      return {
        ...{ state: 'blocked', reason: `there is one of family ${found.family}` },
        hint: 'Name another with --parameter-group.',
      }
    },
    apply: ({ target: { rds } }, signal) =>
      rds.createParameterGroup({ of, name, family, description, tags }, signal),
  }
}

export function setParameters(
  { region, account }: LandingPlace,
  of: 'instance' | 'cluster',
  { name, parameters }: ParameterGroup,
): Step<CloudPorts> {
  const words = PARAMETER_WORDS[of]
  return {
    id: 'set-parameters',
    title: `set ${parameters.length} parameters of ${name} as in the source`,
    effect: 'create',
    command: () =>
      inTwenties(parameters).map((some) =>
        aws(region, 'rds', `modify-${words.command}`, {
          [`${words.command}-name`]: name,
          parameters: some.map(
            ({ name: each, value, apply }) =>
              `ParameterName=${each},ParameterValue=${quoted(value)},ApplyMethod=${apply}`,
          ),
        }),
      ),
    check: () =>
      awsCheck(
        ...([
          region,
          'rds',
          `describe-${words.list}`,
          { [`${words.command}-name`]: name, source: 'user' },
        ] as const),
        'length(Parameters)',
        String(parameters.length),
      ),
    permissions: () => [
      mayLook(`rds:Describe${words.action}s`),
      { actions: [`rds:Modify${words.action}`], resources: [rdsArn(region, account, words.arn, name)] },
    ],
    async observe({ target: { rds } }, signal) {
      const found = await rds.parameterGroup(of, name, signal)
      if (found === undefined) return { state: 'blocked', reason: `there is no parameter group ${name}` }
      const values = new Map(found.parameters.map((each) => [each.name, each.value]))
      const lacking = parameters.filter((each) => values.get(each.name) !== each.value)
      return lacking.length === 0 ? { state: 'done' } : { state: 'todo', reason: `${lacking.length} to set` }
    },
    apply: ({ target: { rds } }, signal) => rds.setParameters(of, name, parameters, signal),
  }
}

export function createOptions(
  { region, account, run }: LandingPlace,
  { name, engine, majorVersion, description }: OptionGroup,
): Step<CloudPorts> {
  const tags = { [RUN_TAG]: run.id }
  const option = { 'option-group-name': name }
  return {
    id: 'create-option-group',
    title: `create option group ${name} (${engine} ${majorVersion}) in ${region}`,
    effect: 'create',
    command: () => [
      aws(region, 'rds', 'create-option-group', {
        ...{ ...option, 'engine-name': engine, 'major-engine-version': majorVersion },
        ...{ 'option-group-description': description, tags: tagWords(tags) },
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-option-groups', option] as const),
        'OptionGroupsList[].OptionGroupName',
        name,
      ),
    permissions: () => [
      mayLook('rds:DescribeOptionGroups'),
      creates('rds:CreateOptionGroup', rdsArn(region, account, 'og', name)),
    ],
    observe: async ({ target: { rds } }, signal) =>
      (await rds.optionGroup(name, signal)) === undefined ? { state: 'todo' } : { state: 'done' },
    apply: ({ target: { rds } }, signal) =>
      rds.createOptionGroup({ name, engine, majorVersion, description, tags }, signal),
  }
}

export function setOptions(
  { region, account }: LandingPlace,
  { name, options }: OptionGroup,
): Step<CloudPorts> {
  return {
    id: 'set-options',
    title: `set ${options.length} options of ${name} as in the source`,
    effect: 'create',
    command: () => [
      // The CLI's own name for ModifyOptionGroup.
      aws(region, 'rds', 'add-option-to-option-group', {
        'option-group-name': name,
        options: options.map(optionWord),
        'apply-immediately': true,
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-option-groups', { 'option-group-name': name }] as const),
        'length(OptionGroupsList[].Options[])',
        String(options.length),
      ),
    permissions: () => [
      mayLook('rds:DescribeOptionGroups'),
      { actions: ['rds:ModifyOptionGroup'], resources: [rdsArn(region, account, 'og', name)] },
    ],
    async observe({ target: { rds } }, signal) {
      const found = await rds.optionGroup(name, signal)
      if (found === undefined) return { state: 'blocked', reason: `there is no option group ${name}` }
      const lacking = options.filter((option) => !found.options.some((each) => each.name === option.name))
      return lacking.length === 0 ? { state: 'done' } : { state: 'todo', reason: `${lacking.length} to set` }
    },
    apply: ({ target: { rds } }, signal) => rds.setOptions(name, options, signal),
  }
}

function creates(action: string, arn: string) {
  return { actions: [action, 'rds:AddTagsToResource'], resources: [arn] }
}

/** As RDS takes them. */
function inTwenties<T>(things: readonly T[]): T[][] {
  const some: T[][] = []
  for (let at = 0; at < things.length; at += 20) some.push(things.slice(at, at + 20))
  return some
}

function optionWord({
  name,
  version,
  port,
  settings,
  securityGroups,
}: OptionGroup['options'][number]): string {
  const pairs = Object.entries(settings).map(([key, value]) => `{Name=${key},Value=${quoted(value)}}`)
  return [
    `OptionName=${name}`,
    ...(version === undefined ? [] : [`OptionVersion=${version}`]),
    ...(port === undefined ? [] : [`Port=${port}`]),
    ...(securityGroups.length === 0 ? [] : [`VpcSecurityGroupMemberships=[${securityGroups.join(',')}]`]),
    ...(pairs.length === 0 ? [] : [`OptionSettings=[${pairs.join(',')}]`]),
  ].join(',')
}

/** In the shorthand of the CLI a comma ends a value. */
function quoted(value: string): string {
  return /[\s,'"[\]{}=]/.test(value) ? `"${value.replaceAll(/(["\\])/g, '\\$1')}"` : value
}
