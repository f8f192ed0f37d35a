import { nameOf, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { giveRoles } from './give-role.ts'
import { keyCheck } from './key-check.ts'
import { newOnes } from './landing.ts'
import { placements } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { protectInstance } from './protect-instance.ts'
import { clusterInstance, protectCluster, restoreCluster } from './restore-cluster.ts'
import { restoreInstance } from './restore-instance.ts'
import { chooseRestoreLanding, type RestoreLanding, settleLanding, unlike } from './restore-landing.ts'
import {
  gatherRestoreSnapshot,
  type RestoreSnapshotFacts,
  type RestoreSnapshotOptions,
} from './restore-snapshot-facts.ts'
import { copySnapshotAcross } from './snapshot-steps.ts'
import { accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export const restoreSnapshot: Way<WayFlags, RestoreSnapshotOptions, RestoreSnapshotFacts, CloudPorts> = {
  name: 'restore-snapshot',
  title: 'restore a snapshot that is in the other region already (RDS and Aurora)',
  deadlineMs: 3 * 3_600_000,
  page: {
    open: [
      'The target region has a copy of a snapshot of the database, made before, and its RDS API answers.',
      'The source region may be dead: nothing of it is asked. What no snapshot knows (class, zones, groups, log exports, IAM authentication, tags, roles) an inventory tells (`--inventory`), or options do.',
      'The key that the copy lies under is of the target region, and enabled.',
    ],
    costs: [
      'Data: all since that snapshot was taken.',
      'Time: mostly 15 to 45 minutes until the database answers, whatever its size.',
      'Money: the new instance and its storage; nothing is sent between regions.',
      'A restored instance loads its storage lazily: it is slow until all of it has been read once.',
    ],
  },
  choose: (flags) => ({
    ...{ ...needRegions(flags), ...chooseRestoreLanding(flags), db: needOneDb(flags, 'restore-snapshot') },
    snapshot: flags.snapshot ?? null,
    kmsKey: flags.kmsKey ?? null,
    acceptUnencrypted: accepted(flags).includes('unencrypted'),
  }),
  gather: gatherRestoreSnapshot,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', snapshot: null, targetId: 'shop' },
      ...{ kmsKey: null, subnetGroup: 'private', securityGroups: ['sg-0123456789abcdef0'] },
      ...{ parameterGroup: 'tuned', optionGroup: null, classes: ['db.r6g.large'], zones: [] },
      ...{ multiAz: true, backupDays: 7, acceptUnencrypted: false },
    },
    facts: {
      ...{ account: '111122223333', kind: 'instance', snapshotId: 'shop-copy', gib: 200, engine: 'mysql' },
      snapshotArn: 'arn:aws:rds:eu-central-1:111122223333:snapshot:shop-copy',
      ...{ engineVersion: '8.0.40', encrypted: true, created: '2026-11-22T03:05:00.000Z' },
      snapshotKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-4222-8222-222222222222',
      ...{ kmsKeyArn: null, optionGroup: 'standard', port: 3306, model: null },
      instanceParameterGroup: null,
    },
  },
}

function plan(
  options: RestoreSnapshotOptions,
  facts: RestoreSnapshotFacts,
  run: RunName,
): Runbook<CloudPorts> {
  const { source, target, db } = options
  const { kind, encrypted, snapshotKeyArn, kmsKeyArn, created, model } = facts
  const landing = settleLanding(options, model)
  const isInTwo = kind === 'instance' && landing.multiAz
  const differs = unlike(model, facts.instanceParameterGroup)
  const id = options.targetId ?? nameOf(run, '')
  // An instance's restore takes no key: only a copy can encrypt.
  const recopied = kind === 'instance' && !encrypted && kmsKeyArn !== null
  const snapshotId = recopied ? nameOf(run, 'copy') : facts.snapshotId
  const names = { run, id, snapshotId }
  const steps: Step<CloudPorts>[] = [
    ...(encrypted && snapshotKeyArn !== null ? [keyCheck(target, snapshotKeyArn, 'restore', true)] : []),
    ...(!encrypted && kmsKeyArn !== null
      ? [keyCheck(target, kmsKeyArn, recopied ? 'copy-snapshot' : 'restore')]
      : []),
    ...(recopied
      ? [
          copySnapshotAcross(
            {
              ...{ kind, region: target, account: facts.account, id: snapshotId },
              ...{ sourceRegion: target, sourceArn: facts.snapshotArn, kmsKeyArn },
              ...(facts.optionGroup !== null && { optionGroup: facts.optionGroup }),
            },
            run,
          ),
        ]
      : []),
    ...(kind === 'instance' ? instanceSteps : clusterSteps)(target, landing, facts, names),
    ...giveRoles({ region: target, account: facts.account, kind, id }, model),
  ]
  return {
    way: 'restore-snapshot',
    steps,
    makes: { kind, id, takesWrites: true },
    carries: {
      through: [{ name: snapshotId, encrypted: encrypted || recopied }],
      ...{ encrypted: encrypted || kmsKeyArn !== null, asOf: created },
    },
    needs: {
      ...{ engine: facts.engine, engineVersion: facts.engineVersion, gib: facts.gib },
      ...newOnes(kind, landing.instances, recopied ? 1 : 0),
      choices: placements(landing.classes, landing.zones, isInTwo),
      multiAz: isInTwo,
    },
    gathers: [
      ...['rds:DescribeDBSnapshots', 'rds:DescribeDBClusterSnapshots', 'rds:DescribeDBSubnetGroups'],
      ...['rds:DescribeOptionGroups', 'rds:DescribeDBParameterGroups', 'rds:DescribeDBParameters'],
      ...['rds:DescribeDBClusterParameterGroups', 'rds:DescribeDBClusterParameters'],
      ...['kms:DescribeKey', 'rds:ListTagsForResource'],
    ],
    warnings: [
      `The snapshot is of ${created ?? 'an unknown time'}: what ${db} has taken since is not in it.`,
      `${source} is not asked: whether ${db} there still takes writes, nobody has looked.`,
      ...differs.warnings,
      ...(landing.parameterGroup === null && model === null
        ? ['No --parameter-group was named: the new database has the parameters of AWS.']
        : []),
      ...(encrypted && kmsKeyArn !== null && kmsKeyArn !== snapshotKeyArn
        ? [
            `It stays under the key of its snapshot, ${snapshotKeyArn ?? 'which AWS owns'}, not under --kms-key.`,
          ]
        : []),
      ...(encrypted || kmsKeyArn !== null ? [] : ['The new database is not encrypted.']),
    ],
    afterwards: [
      `The database has another endpoint, in ${target}. Nothing has switched yet: when ${source} is back, keep applications away from ${db} there.`,
      'It has a new resource id: IAM policies of `rds-db:connect` must name that one.',
      model === null
        ? 'IAM authentication, log exports, tags, roles, alarms, replicas and DNS names are not made by this way: no snapshot knows them, and --inventory only the first four.'
        : 'Alarms, replicas and DNS names are not made by this way.',
      ...differs.afterwards,
      ...(recopied ? [`The encrypted copy ${snapshotId} stays: delete it when nobody needs it.`] : []),
    ],
    rollback: [
      `Nothing of ${source} was changed, and the snapshot stays. Delete ${id} in ${target} (take off its deletion protection first).`,
    ],
  }
}

interface Names {
  readonly run: RunName
  readonly id: string
  readonly snapshotId: string
}

function instanceSteps(
  target: string,
  { subnetGroup, securityGroups, parameterGroup, classes, zones, multiAz, backupDays }: RestoreLanding,
  { account, optionGroup, port, model }: RestoreSnapshotFacts,
  { run, id, snapshotId }: Names,
): readonly Step<CloudPorts>[] {
  return [
    restoreInstance(
      {
        ...{ region: target, account, id, snapshotId, choices: placements(classes, zones, multiAz) },
        settings: {
          ...{ subnetGroup, securityGroups, multiAz, publiclyAccessible: false, deletionProtection: true },
          ...(parameterGroup !== null && { parameterGroup }),
          ...(optionGroup !== null && { optionGroup }),
          ...(port !== null && { port }),
          ...(model !== null && { iamAuthentication: model.iamAuthentication, logExports: model.logExports }),
        },
        tags: model?.tags ?? {},
      },
      run,
    ),
    protectInstance({
      ...{ region: target, account, id },
      wanted: {
        backupRetentionDays: backupDays,
        ...{ deletionProtection: true, multiAz, publiclyAccessible: false },
      },
    }),
  ]
}

function clusterSteps(
  target: string,
  { subnetGroup, securityGroups, parameterGroup, classes, zones, instances, backupDays }: RestoreLanding,
  facts: RestoreSnapshotFacts,
  { run, id, snapshotId }: Names,
): readonly Step<CloudPorts>[] {
  const { account, engine, engineVersion, port, encrypted, kmsKeyArn, model } = facts
  const { instanceParameterGroup } = facts
  const shared = { region: target, account }
  const choices = placements(classes, zones, false)
  const tags = model?.tags ?? {}
  const serverless = model?.serverless ?? null
  return [
    restoreCluster(
      {
        ...{ ...shared, id, snapshotId, engine, engineVersion, tags },
        settings: {
          ...{ subnetGroup, securityGroups, deletionProtection: true },
          ...(parameterGroup !== null && { parameterGroup }),
          ...(port !== null && { port }),
          ...(serverless !== null && { serverless }),
          ...(model !== null && { iamAuthentication: model.iamAuthentication, logExports: model.logExports }),
        },
        ...(!encrypted && kmsKeyArn !== null && { kmsKeyArn }),
      },
      run,
    ),
    ...Array.from({ length: instances }, (_, index) =>
      clusterInstance(
        {
          ...{ ...shared, clusterId: id, engine, number: index + 1, choices, tags },
          ...(instanceParameterGroup !== null && { parameterGroup: instanceParameterGroup }),
        },
        run,
      ),
    ),
    protectCluster({ ...shared, id, days: backupDays }),
  ]
}
