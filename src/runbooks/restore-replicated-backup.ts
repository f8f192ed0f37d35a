import { LifeboatError } from '../core/errors.ts'
import { nameOf, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { giveRoles } from './give-role.ts'
import { keyCheck } from './key-check.ts'
import { newOnes } from './landing.ts'
import { placements } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { protectInstance } from './protect-instance.ts'
import { restoreBackup } from './restore-backup.ts'
import { chooseRestoreLanding, settleLanding, unlike } from './restore-landing.ts'
import {
  gatherReplicatedBackup,
  type RestoreReplicatedBackupFacts,
  type RestoreReplicatedBackupOptions,
} from './restore-replicated-backup-facts.ts'
import { accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export const restoreReplicatedBackup: Way<
  WayFlags,
  RestoreReplicatedBackupOptions,
  RestoreReplicatedBackupFacts,
  CloudPorts
> = {
  name: 'restore-replicated-backup',
  title: 'restore replicated automated backups, to a point in time (RDS)',
  deadlineMs: 4 * 3_600_000,
  page: {
    open: [
      'Automated backups of the instance are replicated to the target region, and its RDS API answers.',
      'The source region may be dead: nothing of it is asked. What no backup knows (class, zones, groups, port, log exports, tags, roles) an inventory tells (`--inventory`), or options do.',
      'Not for Aurora, nor for Multi-AZ DB clusters: AWS replicates no backups of theirs.',
    ],
    costs: [
      'Data: all since the latest moment that is across, mostly 5 to 25 minutes; `--restore-time` takes an earlier one.',
      'Time: mostly 30 minutes to some hours: the logs since the last snapshot are replayed.',
      'Money: the new instance and its storage; nothing is sent between regions.',
      'A restored instance loads its storage lazily: it is slow until all of it has been read once.',
    ],
  },
  choose: (flags) => ({
    ...{ ...needRegions(flags), ...chooseRestoreLanding(flags) },
    db: needOneDb(flags, 'restore-replicated-backup'),
    at: flags.at === undefined ? null : momentOf(flags.at),
    acceptUnencrypted: accepted(flags).includes('unencrypted'),
  }),
  gather: gatherReplicatedBackup,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', at: null, targetId: 'shop' },
      ...{ subnetGroup: 'private', securityGroups: ['sg-0123456789abcdef0'], parameterGroup: 'tuned' },
      ...{ optionGroup: null, classes: ['db.r6g.large'], zones: [], multiAz: true, backupDays: 7 },
      acceptUnencrypted: false,
    },
    facts: {
      ...{ account: '111122223333', gib: 200, engine: 'mysql', engineVersion: '8.0.40', encrypted: true },
      backupArn: 'arn:aws:rds:eu-central-1:111122223333:auto-backup:ab-0123456789abcdef0123456789',
      ...{ earliest: '2026-11-15T21:05:00.000Z', latest: '2026-11-22T20:59:00.000Z' },
      kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-4222-8222-222222222222',
      ...{ optionGroup: 'standard', missingOptionGroup: null, model: null },
    },
  },
}

function momentOf(text: string): string {
  const ms = /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(ms)) return new Date(ms).toISOString()
  throw new LifeboatError('usage', `unable to plan: '${text}' is no moment with its offset from UTC`, {
    hint: 'Write --restore-time like 2026-11-22T20:55:00Z.',
  })
}

function plan(
  options: RestoreReplicatedBackupOptions,
  facts: RestoreReplicatedBackupFacts,
  run: RunName,
): Runbook<CloudPorts> {
  const { source, target, db, at } = options
  const { account, backupArn, kmsKeyArn, optionGroup, earliest, latest, model } = facts
  const landing = settleLanding(options, model)
  const { subnetGroup, securityGroups, parameterGroup, multiAz, port } = landing
  const choices = placements(landing.classes, landing.zones, multiAz)
  const id = options.targetId ?? nameOf(run, '')
  const { afterwards } = unlike(model, null)
  const steps: Step<CloudPorts>[] = [
    ...(kmsKeyArn === null ? [] : [keyCheck(target, kmsKeyArn, 'restore', true)]),
    restoreBackup(
      {
        ...{ region: target, account, id, backupArn, at, choices, tags: model?.tags ?? {} },
        settings: {
          ...{ subnetGroup, securityGroups, multiAz, publiclyAccessible: false, deletionProtection: true },
          ...(parameterGroup !== null && { parameterGroup }),
          ...(optionGroup !== null && { optionGroup }),
          ...(port !== null && { port }),
          ...(model !== null && { iamAuthentication: model.iamAuthentication, logExports: model.logExports }),
        },
      },
      run,
    ),
    protectInstance({
      ...{ region: target, account, id },
      wanted: {
        backupRetentionDays: landing.backupDays,
        ...{ deletionProtection: true, multiAz, publiclyAccessible: false },
      },
    }),
    ...giveRoles({ region: target, account, kind: 'instance', id }, model),
  ]
  return {
    way: 'restore-replicated-backup',
    steps,
    makes: { kind: 'instance', id, takesWrites: true },
    carries: {
      through: [{ name: backupArn, encrypted: facts.encrypted }],
      ...{ encrypted: facts.encrypted, asOf: at ?? latest },
    },
    needs: {
      ...{ engine: facts.engine, engineVersion: facts.engineVersion, gib: facts.gib, multiAz },
      ...newOnes('instance', 0, 0),
      choices,
    },
    gathers: [
      ...['rds:DescribeDBInstanceAutomatedBackups', 'rds:DescribeDBSubnetGroups', 'rds:DescribeOptionGroups'],
      ...['rds:DescribeDBParameterGroups', 'rds:DescribeDBParameters', 'rds:ListTagsForResource'],
    ],
    warnings: [
      at === null
        ? `What ${db} has taken since the latest moment that is across, ${latest} when it was looked at, is not in it.`
        : `What ${db} has taken since ${at} is not in it. Restorable was ${earliest} to ${latest}.`,
      `${source} is not asked: whether ${db} there still takes writes, nobody has looked.`,
      ...(parameterGroup === null && model === null
        ? ['No --parameter-group was named: the new database has the parameters of AWS.']
        : []),
      ...optionWarnings(facts),
      ...(facts.encrypted ? [] : ['The new database is not encrypted.']),
    ],
    afterwards: [
      `The database has another endpoint, in ${target}. Nothing has switched yet: when ${source} is back, keep applications away from ${db} there.`,
      'It has a new resource id: IAM policies of `rds-db:connect` must name that one.',
      model === null
        ? 'IAM authentication, log exports, tags, roles, alarms, replicas, DNS names and the replication of its own backups are not made by this way: with --inventory it makes the first four.'
        : 'Alarms, replicas, DNS names and the replication of its own backups are not made by this way.',
      ...afterwards,
    ],
    rollback: [
      `Nothing of ${source} was changed, and the backups stay. Delete ${id} in ${target} (take off its deletion protection first).`,
    ],
  }
}

function optionWarnings({ engine, optionGroup, missingOptionGroup }: RestoreReplicatedBackupFacts): string[] {
  const warnings: string[] = []
  if (engine.startsWith('sqlserver'))
    warnings.push(
      optionGroup === null
        ? 'AWS does not replicate option groups of SQL Server: without --option-group the new database has none of the options (native backup, TDE, audit) of the old one, and one that used TDE can not be restored.'
        : `AWS does not replicate option groups of SQL Server: make sure that ${optionGroup} has the options of the old one, above all TDE.`,
    )
  else if (missingOptionGroup !== null)
    warnings.push(
      `The source had option group ${missingOptionGroup}, which is not here: name one with --option-group, or the new database has none of its options.`,
    )
  if (engine.startsWith('oracle'))
    warnings.push(
      'Of Oracle, NATIVE_NETWORK_ENCRYPTION, OEM, OEM_AGENT and SSL do not come with replicated backups: until an option group has them, connections are encrypted only if the clients insist, and TCPS is off.',
    )
  return warnings
}
