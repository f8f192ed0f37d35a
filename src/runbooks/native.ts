import { LifeboatError } from '../core/errors.ts'
import { nameOf, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { keyCheck } from './key-check.ts'
import { newOnes } from './landing.ts'
import { gatherNative, type NativeFacts, type NativeOptions } from './native-facts.ts'
import { type CreatePlan, checkBackup, checkDatabase, createInstance, restoreNative } from './native-steps.ts'
import { placements } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { need, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export const native: Way<WayFlags, NativeOptions, NativeFacts, CloudPorts> = {
  name: 'native',
  title: "create an empty instance in the other region and restore lifeboat's newest backup into it",
  deadlineMs: 24 * 3_600_000,
  page: {
    open: [
      "There is a backup of lifeboat's own at a sink (`--backups`), its key (`--key`), and the RDS API of the target region answers.",
      'The source region may be dead: what the instance was is asked of it if it answers, else of an inventory (`--inventory`), else told by `--engine`, `--engine-version`, `--class`, `--storage-gib` and `--master-user`.',
      'Where no RDS API answers at all, restore into any server: `lifeboat restore`.',
    ],
    costs: [
      'Data: all since the dump. While the old database answers, a dump made now (`lifeboat dump`) and then this way loses less.',
      'Time: a quarter of an hour for the instance, then as long as loading takes: hours for hundreds of GiB.',
      'Money: the new instance, and what reading the backup costs where it lies.',
    ],
  },
  choose: (flags) => ({
    ...needRegions(flags),
    db: needOneDb(flags, 'native'),
    targetId: flags.targetId === undefined ? null : need(flags.targetId, '--target-id', 'shop'),
    engine: flags.engine ?? null,
    engineVersion: flags.engineVersion ?? null,
    storageGib: flags.storageGib ?? null,
    masterUser: flags.masterUser ?? null,
    kmsKey: flags.kmsKey ?? null,
    subnetGroup: flags.subnetGroup ?? null,
    securityGroups: securityGroupsOf(flags),
    parameterGroup: flags.parameterGroup ?? null,
    optionGroup: flags.optionGroup ?? null,
    classes: flags.class ?? [],
    zones: flags.zone ?? [],
    multiAz: flags.multiAz ?? null,
    backupDays: flags.backupDays ?? null,
  }),
  gather: gatherNative,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', targetId: 'shop', engine: null },
      ...{ engineVersion: null, storageGib: null, masterUser: null, kmsKey: 'alias/databases' },
      ...{ subnetGroup: null, securityGroups: ['sg-0123456789abcdef0'], parameterGroup: null },
      ...{ optionGroup: null, classes: [], zones: [], multiAz: null, backupDays: null },
    },
    facts: {
      backup: {
        ...{ id: '20261122T190000Z-m2p7', job: 'shop', sink: 's3://backups.example/db', engine: 'mysql' },
        ...{ ended: '2026-11-22T19:12:00.000Z', plainBytes: 40_000_000_000 },
      },
      ...{ account: '111122223333', engine: 'mysql', engineVersion: '8.0.40', classes: ['db.r6g.large'] },
      ...{ storage: { type: 'gp3', gib: 200 }, masterUser: 'admin', databaseName: null },
      kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-4222-8222-222222222222',
      ...{ subnetGroup: 'private', parameterGroup: 'tuned', optionGroup: 'standard', multiAz: true },
      ...{ port: 3306, iamAuthentication: true, logExports: ['error'], backupRetentionDays: 7 },
    },
  },
}

function securityGroupsOf({ securityGroup = [] }: WayFlags): readonly string[] {
  if (securityGroup.length > 0) return securityGroup
  throw new LifeboatError('usage', 'unable to plan: --security-group is missing', {
    hint: 'Name one of the target region, like --security-group sg-0123456789abcdef0: without it the default group would hold.',
  })
}

function plan(options: NativeOptions, facts: NativeFacts, run: RunName): Runbook<CloudPorts> {
  const { source, target, db, securityGroups } = options
  const { backup, engine, engineVersion, multiAz, subnetGroup, parameterGroup, optionGroup, kmsKeyArn } =
    facts
  const { iamAuthentication, logExports, port, storage } = facts
  const id = options.targetId ?? nameOf(run, '')
  const choices = placements(facts.classes, options.zones, multiAz)
  const create: CreatePlan = {
    ...{ region: target, id, choices },
    settings: {
      ...{ subnetGroup, securityGroups, multiAz, publiclyAccessible: false, deletionProtection: true },
      ...{ iamAuthentication, logExports },
      ...(parameterGroup !== null && { parameterGroup }),
      ...(optionGroup !== null && { optionGroup }),
      ...(port !== null && { port }),
    },
  }
  const steps: Step<CloudPorts>[] = [
    checkBackup(facts, 'create-instance'),
    ...(kmsKeyArn === null ? [] : [keyCheck(target, kmsKeyArn, 'create-instance')]),
    createInstance(create, facts, run),
    restoreNative(create, facts),
    checkDatabase(create),
  ]
  return {
    way: 'native',
    steps,
    makes: { kind: 'instance', id, takesWrites: true, backup: backup.id },
    carries: { through: [], encrypted: true, asOf: backup.ended },
    needs: {
      ...{ engine, engineVersion, choices, multiAz, gib: storage.gib },
      ...newOnes('instance', 0, 0),
    },
    gathers: [
      ...['rds:DescribeDBInstances', 'rds:DescribeDBSubnetGroups', 'rds:DescribeDBParameterGroups'],
      ...[
        'rds:DescribeDBParameters',
        'rds:DescribeOptionGroups',
        'rds:ListTagsForResource',
        'kms:DescribeKey',
      ],
    ],
    warnings: [
      `The backup is of ${backup.ended}: what ${db} has taken since is not in it.`,
      'The restore needs the master password, which RDS makes and keeps in Secrets Manager: have --password prompt: or file: ready, or the run stops there and says where it lies.',
      'The restore ends with its run: one that is stopped begins anew with --resume, and drops what was half loaded.',
      `Nobody has looked whether ${db} in ${source} still takes writes.`,
      ...(parameterGroup === null
        ? ['The new database has the parameters of AWS: no parameter group was named.']
        : []),
      ...(kmsKeyArn === null ? ["No --kms-key was named: it is encrypted under AWS's own key."] : []),
    ],
    afterwards: [
      `The database has another endpoint, in ${target}. Nothing has switched yet: when ${source} is back, keep applications away from ${db} there.`,
      'What the dump did not capture is in the manifest of the backup: above all passwords of accounts, where RDS gives none away.',
      'It has a new resource id: IAM policies of `rds-db:connect` must name that one.',
      'Roles, alarms, replicas and DNS names are not made by this way.',
    ],
    rollback: [
      `Nothing of ${source} was changed, and the backup stays. Delete ${id} in ${target} (take off its deletion protection first).`,
    ],
  }
}
