import { RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, instanceAvailable, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import { firstWithRoom, type Placement } from './placement.ts'
import type { InstanceSettings } from './ports/rds.ts'
import type { CloudPorts, Tags } from './ports.ts'
import { ownInstance } from './protect-instance.ts'

export interface InstanceRestorePlan {
  readonly region: string
  readonly account: string
  readonly id: string
  readonly snapshotId: string
  readonly settings: Omit<InstanceSettings, 'instanceClass' | 'zone'>
  readonly choices: readonly Placement[]
  /** That the old one had. */
  readonly tags?: Tags
}

/** Everything set explicitly: RDS's own defaults are an open security group and a default parameter group. */
export function restoreInstance(plan: InstanceRestorePlan, run: RunName): Step<CloudPorts> {
  const { region, account, id, snapshotId, settings, choices } = plan
  const tags = { ...plan.tags, [RUN_TAG]: run.id }
  const [first] = choices
  return {
    id: 'restore',
    title: `restore ${id} in ${region}`,
    effect: 'create',
    usualMs: 20 * 60_000,
    command: () => [
      aws(region, 'rds', 'restore-db-instance-from-db-snapshot', {
        'db-instance-identifier': id,
        'db-snapshot-identifier': snapshotId,
        ...settingWords(settings, first),
        tags: tagWords(tags),
      }),
    ],
    check: () => instanceAvailable(region, id),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      {
        actions: ['rds:RestoreDBInstanceFromDBSnapshot', 'rds:AddTagsToResource'],
        resources: [
          rdsArn(region, account, 'db', id),
          rdsArn(region, account, 'snapshot', snapshotId),
          ...groupArns(plan, settings),
        ],
      },
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownInstance(await rds.instance(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      firstWithRoom(choices, (place) =>
        rds.restoreInstance({ ...settings, ...place, id, snapshotId, tags }, signal),
      ),
  }
}

/** Everything set explicitly: RDS's own defaults are an open security group and a default parameter group. */
export function settingWords(
  settings: Omit<InstanceSettings, 'instanceClass' | 'zone'>,
  first: Placement | undefined,
): Parameters<typeof aws>[3] {
  return {
    'db-instance-class': first?.instanceClass,
    'availability-zone': first?.zone,
    'db-subnet-group-name': settings.subnetGroup,
    'vpc-security-group-ids': settings.securityGroups,
    'db-parameter-group-name': settings.parameterGroup,
    'option-group-name': settings.optionGroup,
    'multi-az': settings.multiAz,
    'publicly-accessible': settings.publiclyAccessible,
    'deletion-protection': settings.deletionProtection,
    'enable-iam-database-authentication': settings.iamAuthentication,
    'enable-cloudwatch-logs-exports': settings.logExports?.length ? settings.logExports : undefined,
    'copy-tags-to-snapshot': true,
    port: settings.port,
  }
}

/** What such a call has to name besides the instance. */
export function groupArns(
  { region, account }: { readonly region: string; readonly account: string },
  settings: Omit<InstanceSettings, 'instanceClass' | 'zone'>,
): readonly string[] {
  return [
    rdsArn(region, account, 'subgrp', settings.subnetGroup),
    rdsArn(region, account, 'pg', settings.parameterGroup ?? '*'),
    rdsArn(region, account, 'og', settings.optionGroup ?? '*'),
  ]
}
