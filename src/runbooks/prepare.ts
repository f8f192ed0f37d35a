import type { Runbook, RunName, Step, Way } from '../core/runbook.ts'
import { landingCheck } from './landing-check.ts'
import { createKey, nameKey } from './landing-key-steps.ts'
import { createGroup, openGroup } from './landing-security-steps.ts'
import { createOptions, createParameters, createSubnets, setOptions, setParameters } from './landing-steps.ts'
import type { CloudPorts } from './ports.ts'
import { choosePrepare, gatherPrepare, type PrepareFacts, type PrepareOptions } from './prepare-facts.ts'
import type { WayFlags } from './way-flags.ts'

export const prepare: Way<WayFlags, PrepareOptions, PrepareFacts, CloudPorts> = {
  name: 'prepare',
  title: 'make beforehand what a database lands in: groups, rules, parameters, options, a key',
  deadlineMs: 30 * 60_000,
  page: {
    open: [
      'Both regions answer: it is for the time before, so that no other way is closed on the day.',
      'The target region has a VPC of the same name, and subnets in two zones of the same names (or the source group has every subnet of its VPC); or a subnet group that `--subnet-group` names.',
    ],
    costs: [
      'Data: none is touched. Time: a minute.',
      'Money: a key of KMS costs about a dollar a month; groups cost nothing.',
    ],
  },
  choose: choosePrepare,
  gather: gatherPrepare,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', subnetGroup: null, securityGroups: [] },
      ...{ parameterGroup: null, optionGroup: null, kmsKey: null },
    },
    facts: {
      ...{
        account: '111122223333',
        partition: 'aws',
        kind: 'instance',
        landing: [],
        vpcId: 'vpc-eu-central-1',
      },
      subnetGroup: {
        ...{ name: 'private', description: 'databases' },
        subnetIds: ['subnet-eu-central-1a', 'subnet-eu-central-1b', 'subnet-eu-central-1c'],
      },
      securityGroups: [
        {
          ...{ name: 'database', description: 'applications to databases' },
          rules: [
            { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '10.0.0.0/16', peerIsName: false },
            { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: 'application', peerIsName: true },
          ],
        },
      ],
      parameterGroup: {
        ...{ name: 'tuned', family: 'mysql8.0', description: 'tuned' },
        parameters: [{ name: 'require_secure_transport', value: '1', apply: 'immediate' }],
      },
      optionGroup: {
        ...{ name: 'standard', engine: 'mysql', majorVersion: '8.0', description: 'standard' },
        options: [
          { name: 'MARIADB_AUDIT_PLUGIN', settings: { SERVER_AUDIT_EVENTS: 'CONNECT' }, securityGroups: [] },
        ],
      },
      key: { alias: 'alias/databases', policy: '{"Version":"2012-10-17","Statement":[]}' },
      left: [],
    },
  },
}

function plan(options: PrepareOptions, facts: PrepareFacts, run: RunName): Runbook<CloudPorts> {
  const { target, db } = options
  const { account, kind, vpcId, subnetGroup, securityGroups, parameterGroup, optionGroup, key } = facts
  const place = { region: target, account, run }
  const steps: Step<CloudPorts>[] = [
    ...(subnetGroup === null ? [] : [createSubnets(place, subnetGroup)]),
    ...securityGroups.map((group, index) => createGroup(place, vpcId, group, index + 1)),
    // All groups first: rules may name one another.
    ...securityGroups.flatMap((group, index) =>
      group.rules.length === 0 ? [] : [openGroup(place, vpcId, group, index + 1)],
    ),
    ...(parameterGroup === null ? [] : [createParameters(place, kind, parameterGroup)]),
    ...(parameterGroup === null || parameterGroup.parameters.length === 0
      ? []
      : [setParameters(place, kind, parameterGroup)]),
    ...(optionGroup === null ? [] : [createOptions(place, optionGroup)]),
    ...(optionGroup === null || optionGroup.options.length === 0 ? [] : [setOptions(place, optionGroup)]),
    ...(key === null ? [] : [createKey(place, key), nameKey(place, key)]),
    landingCheck(place, options, facts),
  ]
  const made = [
    ...(subnetGroup === null ? [] : [`subnet group ${subnetGroup.name}`]),
    ...securityGroups.map(({ name }) => `security group ${name}`),
    ...(parameterGroup === null ? [] : [`parameter group ${parameterGroup.name}`]),
    ...(optionGroup === null ? [] : [`option group ${optionGroup.name}`]),
    ...(key === null ? [] : [`key ${key.alias}`]),
  ]
  return {
    way: 'prepare',
    steps,
    gathers: [
      ...['rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:DescribeDBSubnetGroups'],
      ...[
        'rds:DescribeDBParameterGroups',
        'rds:DescribeDBClusterParameterGroups',
        'rds:DescribeOptionGroups',
      ],
      ...['rds:DescribeDBParameters', 'rds:DescribeDBClusterParameters', 'rds:ListTagsForResource'],
      ...['ec2:DescribeVpcs', 'ec2:DescribeSubnets', 'ec2:DescribeSecurityGroups', 'iam:GetRole'],
      ...['kms:DescribeKey', 'kms:ListKeys', 'kms:ListAliases', 'kms:GetKeyPolicy'],
    ],
    warnings: [
      ...(made.length === 0 ? [`Everything that ${db} lands in is in ${target} already.`] : []),
      ...facts.left,
    ],
    afterwards: [
      `Ways out take from now on what this run has settled, where no option says else: on this machine, or with an inventory that was taken on it.`,
      'Take a new inventory: it then says what of the target stands for what (lifeboat inventory --source … --target …).',
      'What changes in the source later does not change here: lifeboat inventory diff shows it.',
    ],
    rollback: [
      made.length === 0
        ? 'Nothing was made.'
        : `Delete in ${target}: ${made.join(', ')}. Nothing of ${options.source} was changed.`,
    ],
  }
}
