import { type Observation, RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import { lookAtKeys, withKeyCauses } from './key-causes.ts'
import type { Snapshot, SnapshotKind } from './ports/rds-backups.ts'
import type { CloudPorts } from './ports.ts'

/** The same things under the names of RDS instances and of Aurora clusters. */
export const SNAPSHOT_WORDS = {
  instance: {
    ...{ arn: 'snapshot', source: 'db', action: 'DBSnapshot', command: 'db-snapshot' },
    ...{ own: 'db-snapshot-identifier', of: 'db-instance-identifier', list: 'DBSnapshots' },
  },
  cluster: {
    ...{
      arn: 'cluster-snapshot',
      source: 'cluster',
      action: 'DBClusterSnapshot',
      command: 'db-cluster-snapshot',
    },
    ...{ own: 'db-cluster-snapshot-identifier', of: 'db-cluster-identifier', list: 'DBClusterSnapshots' },
  },
} as const

export interface SnapshotPlan {
  readonly kind: SnapshotKind
  readonly region: string
  readonly account: string
  readonly id: string
}

export function takeSnapshot(
  plan: SnapshotPlan & { readonly sourceId: string },
  run: RunName,
): Step<CloudPorts> {
  const { kind, region, account, id, sourceId } = plan
  const words = SNAPSHOT_WORDS[kind]
  const tags = { [RUN_TAG]: run.id }
  return {
    id: 'take-snapshot',
    title: `take a snapshot of ${sourceId} in ${region}`,
    effect: 'create',
    usualMs: 15 * 60_000,
    command: () => [
      aws(region, 'rds', `create-${words.command}`, {
        [words.of]: sourceId,
        [words.own]: id,
        tags: tagWords(tags),
      }),
    ],
    check: () => snapshotCheck(plan),
    permissions: () => [
      mayLook(`rds:Describe${words.action}s`),
      {
        actions: [`rds:Create${words.action}`, 'rds:AddTagsToResource'],
        resources: [rdsArn(region, account, words.source, sourceId), rdsArn(region, account, words.arn, id)],
      },
    ],
    observe: async ({ source: { rds } }, signal) => ownSnapshot(await rds.snapshot(kind, id, signal), run),
    apply: ({ source: { rds } }, signal) => rds.createSnapshot({ kind, id, sourceId, tags }, signal),
  }
}

export interface SnapshotCopyPlan extends SnapshotPlan {
  readonly sourceRegion: string
  readonly sourceArn: string
  readonly kmsKeyArn?: string
  /** Of the source's snapshot: the grant to read it. */
  readonly sourceKeyArn?: string
  readonly optionGroup?: string
}

/** Called in the target region, which fetches. */
export function copySnapshotAcross(plan: SnapshotCopyPlan, run: RunName): Step<CloudPorts> {
  const { kind, region, account, id, sourceRegion, sourceArn, kmsKeyArn, sourceKeyArn, optionGroup } = plan
  const words = SNAPSHOT_WORDS[kind]
  const tags = { [RUN_TAG]: run.id }
  const keys = [kmsKeyArn, sourceKeyArn].filter((key) => key !== undefined)
  const used = { source: sourceKeyArn, target: kmsKeyArn }
  return {
    id: 'copy-snapshot',
    title: `copy the snapshot to ${region}`,
    effect: 'create',
    usualMs: 60 * 60_000,
    pollMs: 30_000,
    command: () => [
      aws(region, 'rds', `copy-${words.command}`, {
        [`source-${words.own}`]: sourceArn,
        [`target-${words.own}`]: id,
        'source-region': sourceRegion,
        'kms-key-id': kmsKeyArn,
        'option-group-name': optionGroup,
        tags: tagWords(tags),
      }),
    ],
    check: () => snapshotCheck(plan),
    permissions: () => [
      mayLook(`rds:Describe${words.action}s`),
      {
        actions: [`rds:Copy${words.action}`, 'rds:AddTagsToResource'],
        resources: [
          sourceArn,
          rdsArn(region, account, words.arn, id),
          ...(optionGroup === undefined ? [] : [rdsArn(region, account, 'og', optionGroup)]),
        ],
      },
      ...(keys.length === 0
        ? []
        : [
            {
              actions: [
                ...[
                  'kms:DescribeKey',
                  'kms:CreateGrant',
                  'kms:Encrypt',
                  'kms:Decrypt',
                  'kms:ReEncryptFrom',
                  'kms:ReEncryptTo',
                ],
                'kms:GenerateDataKey',
                'kms:GenerateDataKeyWithoutPlaintext',
              ],
              resources: keys,
            },
          ]),
    ],
    async observe(ports, signal) {
      const seen = ownSnapshot(await ports.target.rds.snapshot(kind, id, signal), run)
      if (seen.state !== 'blocked' || seen.hint === undefined) return seen
      const found = await lookAtKeys(used, ports, signal)
      return found === undefined
        ? seen
        : {
            ...{ ...seen, reason: `${seen.reason}; ${found.reason}` },
            hint: `${found.hint} Then delete ${id}, and go on.`,
          }
    },
    apply: (ports, signal) =>
      withKeyCauses(used, ports, signal, () =>
        ports.target.rds.copySnapshot(
          {
            ...{ kind, sourceArn, id, tags },
            ...(kmsKeyArn !== undefined && { kmsKeyArn }),
            ...(optionGroup !== undefined && { optionGroup }),
          },
          signal,
        ),
      ),
  }
}

function snapshotCheck({ kind, region, id }: SnapshotPlan) {
  const words = SNAPSHOT_WORDS[kind]
  return awsCheck(
    ...([region, 'rds', `describe-${words.command}s`, { [words.own]: id }] as const),
    `${words.list}[0].[Status,PercentProgress]`,
    'available 100',
  )
}

function ownSnapshot(snapshot: Snapshot | undefined, run: RunName): Observation {
  if (snapshot === undefined) return { state: 'todo' }
  const { status, percent, arn, encrypted, gib } = snapshot
  if (snapshot.tags[RUN_TAG] !== run.id)
    return {
      state: 'blocked',
      reason: `there is a snapshot ${snapshot.id} already, which this run has not made`,
    }
  if (status === 'available') return { state: 'done', seen: { arn, encrypted, gib } }
  if (status === 'creating' || status === 'copying' || status === 'pending') {
    // RDS tells no state of its own for a copy that waits for its turn: it stays at 0.
    const queued = status !== 'creating' && (percent ?? 0) === 0
    return {
      ...{
        state: 'running',
        queued,
        reason: queued ? 'queued: other copies come first' : `status ${status}`,
      },
      ...(percent !== undefined && { percent }),
    }
  }
  return {
    ...{ state: 'blocked', reason: `its status is ${status}` },
    hint: 'Look at the events of the snapshot; mostly a key of either region may not be used. Delete it, then go on.',
  }
}
