import { LifeboatError } from '../core/errors.ts'
import { nameOf, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { giveRoles } from './give-role.ts'
import { keyCheck } from './key-check.ts'
import { newOnes } from './landing.ts'
import { type CreatePlan, createCluster, createInstance, isInstancePlan } from './native-create.ts'
import { dumpNow } from './native-dump.ts'
import { gatherNative, type NativeFacts } from './native-facts.ts'
import { type NativeOptions, settleNative } from './native-settings.ts'
import { checkBackup, restoreNative } from './native-steps.ts'
import { placements } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { readEndpoint } from './read-endpoint.ts'
import { clusterInstance } from './restore-cluster.ts'
import { chooseRestoreLanding, unlike } from './restore-landing.ts'
import { needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export const native: Way<WayFlags, NativeOptions, NativeFacts, CloudPorts> = {
  name: 'native',
  title:
    "create an empty database in the other region and restore lifeboat's newest backup into it, or a dump made now",
  deadlineMs: 24 * 3_600_000,
  page: {
    open: [
      "There is a backup of lifeboat's own at a sink (`--backups`), its key (`--key`), and the RDS API of the target region answers.",
      'Or the old database answers: with `--dump-now` it is dumped to that sink first, and just that is restored. Its account is that of `--login` and `--dump-password`, or of the job of the configuration that `--job` names.',
      'The source region may be dead: what the database was is asked of it if it answers, else of an inventory (`--inventory`), else told by `--engine`, `--engine-version`, `--class`, `--storage-gib` and `--master-user`.',
      'An instance of RDS becomes an instance, a cluster of Aurora a cluster: from the one to the other, and from a Multi-AZ DB cluster, this way does not lead.',
      'Where no RDS API answers at all, restore into any server: `lifeboat restore`.',
    ],
    costs: [
      'Data: all since the dump; with `--dump-now` what is written once that has begun.',
      'Time: a quarter of an hour for the new database, then as long as loading takes: hours for hundreds of GiB. `--dump-now` takes about as long again.',
      'Money: the new database, and what reading the backup costs where it lies.',
    ],
  },
  choose: (flags) => ({
    ...needRegions(flags),
    db: needOneDb(flags, 'native'),
    dumpNow: flags.dumpNow ?? false,
    from: flags.from === undefined ? null : readEndpoint(flags.from, '--from'),
    engine: flags.engine ?? null,
    engineVersion: flags.engineVersion ?? null,
    storageGib: flags.storageGib ?? null,
    masterUser: flags.masterUser ?? null,
    kmsKey: flags.kmsKey ?? null,
    ...chooseRestoreLanding(flags),
  }),
  gather: gatherNative,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', targetId: 'shop', engine: null },
      ...{ dumpNow: false, from: null, kmsKey: 'alias/databases' },
      ...{ engineVersion: null, storageGib: null, masterUser: null },
      ...{ subnetGroup: null, securityGroups: ['sg-0123456789abcdef0'], parameterGroup: null },
      ...{ optionGroup: null, classes: [], zones: [], multiAz: null, backupDays: null },
    },
    facts: {
      backup: {
        ...{ id: '20261122T190000Z-m2p7', job: 'shop', sink: 's3://backups.example/db', engine: 'mysql' },
        ...{ ended: '2026-11-22T19:12:00.000Z', plainBytes: 40_000_000_000 },
      },
      ...{ account: '111122223333', dump: null, instanceParameterGroup: null },
      kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-4222-8222-222222222222',
      model: {
        ...{ kind: 'instance', engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.r6g.large' },
        ...{ instances: 1, multiAz: true, storage: { type: 'gp3', gib: 200 }, encrypted: true },
        ...{ subnetGroup: 'private', parameterGroup: 'tuned', optionGroup: 'standard' },
        ...{ instanceParameterGroup: null, serverless: null, clusterId: null, databaseName: null },
        endpoint: { host: 'shop.c1x2.eu-west-1.rds.amazonaws.com', port: 3306 },
        ...{ port: 3306, iamAuthentication: true, logExports: ['error'], backupRetentionDays: 7 },
        ...{ masterUser: 'admin', tags: { team: 'shop' }, roles: [] },
        ...{ licenseModel: null, characterSet: null, timeZone: null, storageType: null },
      },
    },
  },
}

/** As applications reach it. */

function plan(options: NativeOptions, facts: NativeFacts, run: RunName): Runbook<CloudPorts> {
  const { source, target, db, securityGroups } = options
  const { account, backup, dump, model, kmsKeyArn, instanceParameterGroup } = facts
  // What was known when it was planned is known now.
  const made = settleNative(options, model, (reason, hint) => {
    return new LifeboatError('usage', `unable to plan: ${reason}`, { hint })
  })
  const { kind, engine, engineVersion, tags, parameterGroup, instances } = made
  const id = options.targetId ?? nameOf(run, '')
  const isInTwo = kind === 'instance' && made.multiAz
  const choices = placements(made.classes, options.zones, isInTwo)
  const create: CreatePlan = { region: target, account, id, made, securityGroups, kmsKeyArn, choices }
  const making = isInstancePlan(create)
    ? [createInstance(create, run)]
    : [
        createCluster(create, run),
        ...Array.from({ length: instances }, (_, index) =>
          clusterInstance(
            {
              ...{ region: target, account, clusterId: id, engine, number: index + 1, choices, tags },
              ...(instanceParameterGroup !== null && { parameterGroup: instanceParameterGroup }),
            },
            run,
          ),
        ),
      ]
  const first = making[0]?.id ?? ''
  const steps: Step<CloudPorts>[] = [
    ...(backup === null ? [] : [checkBackup(backup, first)]),
    ...(kmsKeyArn === null ? [] : [keyCheck(target, kmsKeyArn, first)]),
    ...(dump === null ? [] : [dumpNow(db, dump, run)]),
    ...making,
    restoreNative(create, facts, run),
    ...giveRoles({ region: target, account, kind, id }, model),
  ]
  const differs = unlike(model, instanceParameterGroup)
  return {
    way: 'native',
    steps,
    makes: {
      ...{ kind, id, takesWrites: true },
      ...(backup === null ? { dumpedBy: run.id } : { backup: backup.id }),
    },
    carries: { through: [], encrypted: true, asOf: backup?.ended ?? null },
    needs: {
      ...{ engine, engineVersion, choices, multiAz: isInTwo, gib: made.storage?.gib ?? null },
      ...newOnes(kind, instances, 0),
    },
    gathers: [
      ...['rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:DescribeDBSubnetGroups'],
      ...['rds:DescribeDBParameterGroups', 'rds:DescribeDBParameters', 'rds:DescribeOptionGroups'],
      ...['rds:DescribeDBClusterParameterGroups', 'rds:DescribeDBClusterParameters'],
      ...['rds:ListTagsForResource', 'kms:DescribeKey'],
    ],
    warnings: [
      ...(backup === null
        ? [
            `What ${db} takes once the dump has begun is not in it, and is lost when clients move: stop its writers first, or fence it by SQL (lifeboat migrate fence with --login). A fence by security group would keep the dump out as well.`,
            `The dump loads ${db}, and is as slow as the way from there to here: nothing is made in ${target} before it is whole.`,
          ]
        : [
            `The backup is of ${backup.ended}: what ${db} has taken since is not in it. While ${db} answers, --dump-now loses less.`,
          ]),
      'The restore needs the master password, which RDS makes and keeps in Secrets Manager: have --password prompt: or file: ready, or the run stops there and says where it lies.',
      `The ${dump === null ? 'restore ends with its run: one that is stopped begins' : 'dump and the restore end with their run: what is stopped begins'} anew with --resume${dump === null ? '' : ' (a dump that is whole is not made again)'}, and a restore drops what was half loaded.`,
      `Nobody has looked whether ${db} in ${source} still takes writes.`,
      ...differs.warnings,
      ...(parameterGroup === null
        ? ['The new database has the parameters of AWS: no parameter group was named.']
        : []),
      ...(kmsKeyArn === null ? ["No --kms-key was named: it is encrypted under AWS's own key."] : []),
    ],
    afterwards: [
      `The database has another endpoint, in ${target}. Nothing has switched yet: when ${source} is back, keep applications away from ${db} there.`,
      'What the dump did not capture is in the manifest of the backup: above all passwords of accounts, where RDS gives none away.',
      'It has a new resource id: IAM policies of `rds-db:connect` must name that one.',
      ...differs.afterwards,
      `${model === null ? 'Roles, alarms' : 'Alarms'}, replicas and DNS names are not made by this way.`,
    ],
    rollback: [
      `Nothing of ${source} was changed, and the backup stays. Delete ${id} in ${target} (take off its deletion protection first).`,
    ],
  }
}
