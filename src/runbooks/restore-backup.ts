import { RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, instanceAvailable, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import { firstWithRoom } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { ownInstance } from './protect-instance.ts'
import { groupArns, type InstanceRestorePlan, settingWords } from './restore-instance.ts'

export interface BackupRestorePlan extends Omit<InstanceRestorePlan, 'snapshotId'> {
  readonly backupArn: string
  /** Null for the latest moment there is. */
  readonly at: string | null
}

export function restoreBackup(plan: BackupRestorePlan, run: RunName): Step<CloudPorts> {
  const { region, account, id, backupArn, at, settings, choices } = plan
  const tags = { ...plan.tags, [RUN_TAG]: run.id }
  const [first] = choices
  return {
    id: 'restore',
    title: `restore ${id} in ${region} as of ${at ?? 'the latest moment there is'}`,
    effect: 'create',
    usualMs: 40 * 60_000,
    command: () => [
      aws(region, 'rds', 'restore-db-instance-to-point-in-time', {
        'source-db-instance-automated-backups-arn': backupArn,
        'target-db-instance-identifier': id,
        'restore-time': at ?? undefined,
        'use-latest-restorable-time': at === null ? true : undefined,
        ...settingWords(settings, first),
        tags: tagWords(tags),
      }),
    ],
    check: () => instanceAvailable(region, id),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      {
        actions: ['rds:RestoreDBInstanceToPointInTime', 'rds:AddTagsToResource'],
        resources: [rdsArn(region, account, 'db', id), backupArn, ...groupArns(plan, settings)],
      },
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownInstance(await rds.instance(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      firstWithRoom(choices, (place) =>
        rds.restoreReplicatedBackup(
          { ...settings, ...place, id, backupArn, tags, ...(at !== null && { at: new Date(at) }) },
          signal,
        ),
      ),
  }
}
