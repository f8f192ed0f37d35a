import type { DBInstance, DBInstanceAutomatedBackup } from '@aws-sdk/client-rds'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type QueryCloud, startQueryCloud } from '../../testbed/query-cloud.ts'

const INSTANCE = 'arn:aws:rds:eu-west-1:123456789012:db:shop'
const BACKUP = 'arn:aws:rds:eu-central-1:123456789012:auto-backup:ab-abc'
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1'
const EARLIEST = new Date('2026-11-15T21:05:00Z')
const LATEST = new Date('2026-11-22T20:59:00Z')
const ANSWER: DBInstanceAutomatedBackup = {
  DBInstanceArn: INSTANCE,
  DBInstanceIdentifier: 'shop',
  Region: 'eu-west-1',
  Status: 'active',
  RestoreWindow: { EarliestTime: EARLIEST, LatestTime: LATEST },
  Engine: 'sqlserver-se',
  EngineVersion: '16.00.4165.4.v1',
  AllocatedStorage: 200,
  Encrypted: true,
  KmsKeyId: KEY,
  OptionGroupName: 'native-backup',
  BackupRetentionPeriod: 7,
  DBInstanceAutomatedBackupsArn: BACKUP,
}

/** moto knows no replicated backups, no progress and no states that last. */
describe('backups', () => {
  const { signal } = new AbortController()
  let cloud: QueryCloud
  beforeEach(async () => {
    cloud = await startQueryCloud()
  })
  afterEach(() => cloud[Symbol.asyncDispose]())

  test('replicated backups have their window, on every page', async () => {
    cloud.fake.on('DescribeDBInstanceAutomatedBackups', ({ input: { Marker } }) => ({
      result:
        Marker === undefined
          ? { DBInstanceAutomatedBackups: [ANSWER], Marker: 'second' }
          : {
              DBInstanceAutomatedBackups: [
                // One of this very region, which nobody can name.
                { ...ANSWER, Region: 'eu-central-1', DBInstanceAutomatedBackupsArn: undefined },
                {
                  ...ANSWER,
                  DBInstanceAutomatedBackupsArn: `${BACKUP}-2`,
                  Status: 'creating',
                  RestoreWindow: undefined,
                },
              ],
            },
    }))
    const found = await cloud.ports.target.rds.replicatedBackups(signal)
    expect(found).toHaveLength(2)
    expect(found[0]).toEqual({
      ...{ arn: BACKUP, instanceId: 'shop', region: 'eu-west-1', instanceArn: INSTANCE, status: 'active' },
      ...{ earliest: EARLIEST, latest: LATEST, engine: 'sqlserver-se', engineVersion: '16.00.4165.4.v1' },
      ...{ gib: 200, encrypted: true, kmsKeyArn: KEY, optionGroup: 'native-backup', retentionDays: 7 },
    })
    expect(found[1]).toMatchObject({ arn: `${BACKUP}-2`, status: 'creating' })
    expect(found[1]).not.toHaveProperty('latest')
  })

  test('replication is begun and ended in the target, with the ARN of the source', async () => {
    cloud.fake.on('StartDBInstanceAutomatedBackupsReplication', () => ({
      result: { DBInstanceAutomatedBackup: ANSWER },
    }))
    cloud.fake.on('StopDBInstanceAutomatedBackupsReplication', () => ({ result: {} }))
    const { rds } = cloud.ports.target
    await rds.startBackupReplication({ instanceArn: INSTANCE, retentionDays: 7, kmsKeyArn: KEY }, signal)
    await rds.stopBackupReplication(INSTANCE, signal)
    expect(cloud.fake.calls.map(({ region }) => region)).toEqual(['eu-central-1', 'eu-central-1'])
    expect(cloud.fake.calls[0]?.input).toMatchObject({
      ...{ SourceDBInstanceArn: INSTANCE, BackupRetentionPeriod: '7', KmsKeyId: KEY },
      // Only the partitions that need it look at it; nothing is asked of the source's region.
      PreSignedUrl: expect.stringContaining('rds.eu-west-1.amazonaws.com'),
    })
  })

  test('a restore goes to a moment, or to the latest one', async () => {
    const made: DBInstance = { DBInstanceIdentifier: 'new', DBInstanceArn: 'arn' }
    cloud.fake.on('RestoreDBInstanceToPointInTime', () => ({ result: { DBInstance: made } }))
    const order = {
      ...{ id: 'new', backupArn: BACKUP, instanceClass: 'db.r6i.large', subnetGroup: 'private' },
      ...{ securityGroups: ['sg-1', 'sg-2'], parameterGroup: 'tuned', optionGroup: 'native', multiAz: true },
      ...{ zone: 'eu-central-1a', publiclyAccessible: false, deletionProtection: true, tags: { a: 'b' } },
    }
    await cloud.ports.target.rds.restoreReplicatedBackup({ ...order, at: LATEST }, signal)
    await cloud.ports.target.rds.restoreReplicatedBackup({ ...order, multiAz: false }, signal)
    const [moment, latest] = cloud.fake.calls.map(({ input }) => input)
    expect(moment).toMatchObject({
      TargetDBInstanceIdentifier: 'new',
      SourceDBInstanceAutomatedBackupsArn: BACKUP,
      RestoreTime: '2026-11-22T20:59:00Z',
      DBInstanceClass: 'db.r6i.large',
      DBSubnetGroupName: 'private',
      'VpcSecurityGroupIds.VpcSecurityGroupId.2': 'sg-2',
      DBParameterGroupName: 'tuned',
      OptionGroupName: 'native',
      ...{ MultiAZ: 'true', PubliclyAccessible: 'false', DeletionProtection: 'true' },
      ...{ 'Tags.Tag.1.Key': 'a', 'Tags.Tag.1.Value': 'b' },
    })
    // RDS refuses both, and either with the other.
    expect(moment).not.toHaveProperty('UseLatestRestorableTime')
    expect(moment).not.toHaveProperty('AvailabilityZone')
    expect(latest).toMatchObject({ UseLatestRestorableTime: 'true', AvailabilityZone: 'eu-central-1a' })
    expect(latest).not.toHaveProperty('RestoreTime')
  })

  test('a copy shows its progress; one that waits stays at 0, and one without any says none', async () => {
    const shared = {
      ...{ DBSnapshotIdentifier: 'copy', DBSnapshotArn: 'arn:copy', DBInstanceIdentifier: 'shop' },
      ...{ SnapshotType: 'manual', SourceDBSnapshotIdentifier: 'arn:source', Encrypted: true, KmsKeyId: KEY },
    }
    const percents = [0, 42, undefined]
    cloud.fake.on('DescribeDBSnapshots', () => {
      const PercentProgress = percents.shift()
      return { result: { DBSnapshots: [{ ...shared, Status: 'copying', PercentProgress }] } }
    })
    const look = () => cloud.ports.target.rds.snapshot('instance', 'copy', signal)
    expect(await look()).toMatchObject({ status: 'copying', percent: 0, copyOfArn: 'arn:source' })
    expect(await look()).toMatchObject({ status: 'copying', percent: 42, type: 'manual' })
    expect(await look()).not.toHaveProperty('percent')
  })

  test('an option group can not go with the copy of a cluster, and nothing is asked', async () => {
    const order = {
      kind: 'cluster',
      sourceArn: 'arn:source',
      id: 'copy',
      optionGroup: 'x',
      tags: {},
    } as const
    await expect(cloud.ports.target.rds.copySnapshot(order, signal)).rejects.toMatchObject({
      details: { fault: 'invalid' },
    })
    expect(cloud.fake.calls).toEqual([])
  })
})
