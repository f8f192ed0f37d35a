import { type DBInstance, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type QueryCloud, startQueryCloud } from '../../testbed/query-cloud.ts'

const ANSWER: DBInstance = {
  DBInstanceIdentifier: 'shop',
  DBInstanceArn: 'arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:shop',
  DBInstanceStatus: 'storage-optimization',
  Engine: 'mysql',
  EngineVersion: '8.0.40',
  DBInstanceClass: 'db.r6g.large',
  StorageType: 'gp3',
  AllocatedStorage: 500,
  Iops: 12_000,
  StorageThroughput: 500,
  MultiAZ: true,
  AvailabilityZone: 'us-gov-west-1a',
  Endpoint: { Address: 'shop.abc.us-gov-west-1.rds.amazonaws.com', Port: 3306, HostedZoneId: 'Z1' },
  DBSubnetGroup: { DBSubnetGroupName: 'private', VpcId: 'vpc-1' },
  VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1', Status: 'active' }],
  DBParameterGroups: [{ DBParameterGroupName: 'tuned', ParameterApplyStatus: 'pending-reboot' }],
  OptionGroupMemberships: [{ OptionGroupName: 'default:mysql-8-0', Status: 'in-sync' }],
  StorageEncrypted: true,
  KmsKeyId: 'arn:key',
  PubliclyAccessible: false,
  DeletionProtection: true,
  BackupRetentionPeriod: 7,
  PreferredBackupWindow: '03:00-03:30',
  PreferredMaintenanceWindow: 'sun:04:00-sun:04:30',
  LatestRestorableTime: new Date('2026-11-22T21:00:00Z'),
  IAMDatabaseAuthenticationEnabled: true,
  EnabledCloudwatchLogsExports: ['error', 'slowquery'],
  CACertificateIdentifier: 'rds-ca-rsa2048-g1',
  MasterUsername: 'captain',
  DBName: 'shop',
  AssociatedRoles: [{ RoleArn: 'arn:role', FeatureName: 's3Import', Status: 'ACTIVE' }],
  MaxAllocatedStorage: 1000,
  ...{ MonitoringRoleArn: 'arn:monitor', MonitoringInterval: 60 },
  ...{ PerformanceInsightsEnabled: true, PerformanceInsightsKMSKeyId: 'arn:pi' },
  PerformanceInsightsRetentionPeriod: 31,
  ...{ LicenseModel: 'general-public-license', CharacterSetName: 'AL32UTF8', Timezone: 'UTC' },
  AutoMinorVersionUpgrade: true,
  MasterUserSecret: { SecretArn: 'arn:secret', SecretStatus: 'active' },
  PromotionTier: 1,
  DbiResourceId: 'db-ABC',
  ReadReplicaSourceDBInstanceIdentifier: 'arn:source',
  ReadReplicaDBInstanceIdentifiers: ['arn:replica-1', 'replica-2'],
  ReadReplicaDBClusterIdentifiers: ['aurora-replica'],
  StatusInfos: [
    { StatusType: 'read replication', Normal: false, Status: 'error', Message: 'binlog is gone <1236>' },
  ],
  DBInstanceAutomatedBackupsReplications: [{ DBInstanceAutomatedBackupsArn: 'arn:backup' }],
  TagList: [
    { Key: 'a', Value: 'b & c' },
    { Key: 'empty', Value: '' },
  ],
}

describe('shapes', () => {
  const { signal } = new AbortController()
  let cloud: QueryCloud
  beforeEach(async () => {
    cloud = await startQueryCloud()
  })
  afterEach(() => cloud[Symbol.asyncDispose]())

  test('the real client reads what the fake says, and nothing else', async () => {
    cloud.fake.on('DescribeDBInstances', () => ({ result: { DBInstances: [ANSWER] } }))
    const client = new RDSClient({ endpoint: cloud.fake.endpoint, region: 'eu-west-1' })
    const { DBInstances } = await client.send(new DescribeDBInstancesCommand({}))
    expect(DBInstances).toEqual([ANSWER])
    client.destroy()
  })

  test('an instance with all that it can have', async () => {
    cloud.fake.on('DescribeDBInstances', () => ({ result: { DBInstances: [ANSWER] } }))
    expect(await cloud.ports.source.rds.instance('shop', signal)).toEqual({
      id: 'shop',
      arn: ANSWER.DBInstanceArn,
      status: 'storage-optimization',
      ...{ engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.r6g.large' },
      storage: { type: 'gp3', gib: 500, iops: 12_000, throughput: 500, mostGib: 1000 },
      ...{ multiAz: true, zone: 'us-gov-west-1a' },
      endpoint: { host: 'shop.abc.us-gov-west-1.rds.amazonaws.com', port: 3306 },
      ...{ subnetGroup: 'private', vpcId: 'vpc-1', securityGroups: ['sg-1'] },
      parameterGroups: [{ name: 'tuned', status: 'pending-reboot' }],
      optionGroups: [{ name: 'default:mysql-8-0', status: 'in-sync' }],
      ...{ encrypted: true, kmsKeyArn: 'arn:key', publiclyAccessible: false, deletionProtection: true },
      ...{ backupRetentionDays: 7, backupWindow: '03:00-03:30', maintenanceWindow: 'sun:04:00-sun:04:30' },
      latestRestorable: ANSWER.LatestRestorableTime,
      ...{ iamAuthentication: true, logExports: ['error', 'slowquery'] },
      ...{ certificateAuthority: 'rds-ca-rsa2048-g1', masterUser: 'captain', databaseName: 'shop' },
      roleFeatures: [{ role: 'arn:role', feature: 's3Import' }],
      monitoring: { roleArn: 'arn:monitor', seconds: 60 },
      performanceInsights: { kmsKeyArn: 'arn:pi', retentionDays: 31 },
      ...{ licenseModel: 'general-public-license', characterSet: 'AL32UTF8', timeZone: 'UTC' },
      ...{ autoMinorUpgrade: true, masterSecretArn: 'arn:secret', promotionTier: 1 },
      ...{ roles: ['arn:role'], resourceId: 'db-ABC', replicaOf: 'arn:source' },
      replicas: ['arn:replica-1', 'replica-2', 'aurora-replica'],
      replicationError: 'error: binlog is gone <1236>',
      backupReplications: ['arn:backup'],
      tags: { a: 'b & c', empty: '' },
    })
  })

  test('one that is only being made has no endpoint, and optional facts are absent', async () => {
    const bare: DBInstance = {
      DBInstanceIdentifier: 'new',
      DBInstanceArn: 'arn:new',
      DBInstanceStatus: 'creating',
    }
    cloud.fake.on('DescribeDBInstances', () => ({
      result: { DBInstances: [{ ...bare, Endpoint: { Port: 3306 } }] },
    }))
    const found = await cloud.ports.source.rds.instance('new', signal)
    for (const name of ['endpoint', 'zone', 'kmsKeyArn', 'replicaOf', 'replicationError', 'clusterId']) {
      expect(found).not.toHaveProperty(name)
    }
    expect(found).toMatchObject({ status: 'creating', replicas: [], tags: {} })
  })

  test('all pages are turned; one that comes again is an answer that can not be used', async () => {
    const page = (ids: readonly string[], Marker?: string) => ({
      result: {
        DBInstances: ids.map((id) => ({ DBInstanceIdentifier: id, DBInstanceArn: `arn:${id}` })),
        ...(Marker === undefined ? {} : { Marker }),
      },
    })
    const pages = { first: page(['b'], 'second'), second: page(['c', 'd']) }
    cloud.fake.on('DescribeDBInstances', ({ input: { Marker } }) =>
      Marker === undefined ? page(['a'], 'first') : pages[Marker as keyof typeof pages],
    )
    const found = await cloud.ports.source.rds.instances(signal)
    expect(found.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd'])
    cloud.fake.on('DescribeDBInstances', () => page(['a'], 'for-ever'))
    await expect(cloud.ports.source.rds.instances(signal)).rejects.toMatchObject({
      details: { fault: 'unavailable', vendorCode: 'IncompleteAnswer' },
    })
  })

  test('custom endpoints of a cluster have their names, and whom they lead to', async () => {
    cloud.fake.on('DescribeDBClusters', () => ({
      result: {
        DBClusters: [
          {
            ...{ DBClusterIdentifier: 'shop', DBClusterArn: 'arn:shop', Port: 5432 },
            CustomEndpoints: ['reports.cluster-custom-abc.eu-west-1.rds.amazonaws.com'],
            DBClusterMembers: [
              { DBInstanceIdentifier: 'shop-1', IsClusterWriter: true },
              { DBInstanceIdentifier: 'shop-2', IsClusterWriter: false },
            ],
          },
        ],
      },
    }))
    const Endpoint = 'reports.cluster-custom-abc.eu-west-1.rds.amazonaws.com'
    cloud.fake.on('DescribeDBClusterEndpoints', () => ({
      result: {
        DBClusterEndpoints: [
          { DBClusterIdentifier: 'shop', EndpointType: 'WRITER', Endpoint: 'writer' },
          ...['shop', 'other'].map((DBClusterIdentifier) => ({
            ...{
              DBClusterIdentifier,
              DBClusterEndpointIdentifier: 'reports',
              EndpointType: 'CUSTOM',
              Endpoint,
            },
            ...{ CustomEndpointType: 'READER', StaticMembers: ['shop-2'], ExcludedMembers: [] },
          })),
        ],
      },
    }))
    expect(await cloud.ports.source.rds.cluster('shop', signal)).toMatchObject({
      customEndpoints: [{ id: 'reports', host: Endpoint, type: 'READER', members: ['shop-2'] }],
      members: [
        { instanceId: 'shop-1', writer: true },
        { instanceId: 'shop-2', writer: false },
      ],
    })
  })

  test('what can be had, by class', async () => {
    const offer = (
      DBInstanceClass: string,
      StorageType: string,
      zones: readonly string[],
      MultiAZCapable: boolean,
    ) => ({
      ...{ DBInstanceClass, StorageType, MultiAZCapable, Engine: 'oracle-se2', EngineVersion: '19' },
      AvailabilityZones: zones.map((Name) => ({ Name })),
    })
    cloud.fake.on('DescribeOrderableDBInstanceOptions', () => ({
      result: {
        OrderableDBInstanceOptions: [
          offer('db.r6i.large', 'gp3', ['a', 'b'], false),
          offer('db.r6i.large', 'io2', ['b', 'c'], true),
          offer('db.m6i.large', 'gp3', ['c'], false),
        ],
      },
    }))
    const wanted = { engine: 'oracle-se2', engineVersion: '19' }
    const { rds } = cloud.ports.target
    expect(await rds.orderable(wanted, signal)).toEqual([
      { instanceClass: 'db.r6i.large', zones: ['a', 'b', 'c'], storageTypes: ['gp3', 'io2'], multiAz: true },
      { instanceClass: 'db.m6i.large', zones: ['c'], storageTypes: ['gp3'], multiAz: false },
    ])
    cloud.fake.on('DescribeOrderableDBInstanceOptions', () => ({
      code: 'InvalidParameterValue',
      message: 'Invalid DB Instance class: db.none',
    }))
    expect(await rds.orderable({ ...wanted, instanceClass: 'db.none' }, signal)).toEqual([])
    cloud.fake.on('DescribeOrderableDBInstanceOptions', () => ({
      code: 'InvalidParameterValue',
      message: 'no',
    }))
    await expect(rds.orderable(wanted, signal)).rejects.toMatchObject({ details: { fault: 'invalid' } })
  })

  test('versions and quotas', async () => {
    cloud.fake.on('DescribeDBEngineVersions', () => ({
      result: { DBEngineVersions: [{ EngineVersion: '16.4', DBParameterGroupFamily: 'postgres16' }] },
    }))
    cloud.fake.on('DescribeAccountAttributes', () => ({
      result: { AccountQuotas: [{ AccountQuotaName: 'ManualSnapshots', Used: 99, Max: 100 }] },
    }))
    const { rds } = cloud.ports.target
    expect(await rds.engineVersions('postgres', signal)).toEqual([{ version: '16.4', family: 'postgres16' }])
    expect(await rds.quotas(signal)).toEqual([{ name: 'ManualSnapshots', used: 99, most: 100 }])
  })

  test('options with what somebody has set, and no password', async () => {
    cloud.fake.on('DescribeOptionGroups', () => ({
      result: {
        OptionGroupsList: [
          {
            ...{ OptionGroupName: 'oem', EngineName: 'oracle-se2', MajorEngineVersion: '19' },
            Options: [
              {
                ...{ OptionName: 'OEM_AGENT', OptionVersion: '13.5', Port: 3872 },
                VpcSecurityGroupMemberships: [{ VpcSecurityGroupId: 'sg-1' }],
                OptionSettings: [
                  { Name: 'OMS_HOST', Value: 'oem.example.com' },
                  { Name: 'OMS_PORT', Value: '4903', DefaultValue: '4903' },
                  { Name: 'AGENT_REGISTRATION_PASSWORD', Value: '*****' },
                ],
              },
            ],
          },
        ],
      },
    }))
    const group = await cloud.ports.source.rds.optionGroup('oem', signal)
    const option = {
      ...{ name: 'OEM_AGENT', version: '13.5', port: 3872, securityGroups: ['sg-1'] },
      settings: { OMS_HOST: 'oem.example.com' },
    }
    expect(group?.options).toEqual([option])
    cloud.fake.on('ModifyOptionGroup', () => ({ result: {} }))
    await cloud.ports.target.rds.setOptions('oem', [option], signal)
    await cloud.ports.target.rds.setOptions('oem', [], signal)
    expect(cloud.fake.calls.filter(({ action }) => action === 'ModifyOptionGroup')).toHaveLength(1)
    expect(cloud.fake.calls.at(-1)?.input).toMatchObject({
      'OptionsToInclude.OptionConfiguration.1.OptionName': 'OEM_AGENT',
      'OptionsToInclude.OptionConfiguration.1.OptionSettings.OptionSetting.1.Value': 'oem.example.com',
      ApplyImmediately: 'true',
    })
  })

  test.each([
    [{ type: 'gp3', gib: 100, iops: 3_000, throughput: 125 }, {}],
    [
      { type: 'gp3', gib: 500, iops: 12_000, throughput: 500 },
      { Iops: '12000', StorageThroughput: '500' },
    ],
    [{ type: 'io2', gib: 100, iops: 1_000 }, { Iops: '1000' }],
  ])('storage %o is asked for as RDS takes it', async (storage, expected) => {
    cloud.fake.on('CreateDBInstance', () => ({ result: { DBInstance: ANSWER } }))
    await cloud.ports.target.rds.createInstance(
      {
        ...{ id: 'new', engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.r6g.large', storage },
        ...{ subnetGroup: 'private', securityGroups: ['sg-1'], multiAz: false, publiclyAccessible: false },
        ...{ deletionProtection: true, masterUser: 'captain', backupRetentionDays: 7, tags: {} },
      },
      signal,
    )
    const { Iops, StorageThroughput, ...rest } = cloud.fake.calls[0]?.input ?? {}
    expect({ ...(Iops && { Iops }), ...(StorageThroughput && { StorageThroughput }) }).toEqual(expected)
    expect(rest).toMatchObject({ StorageEncrypted: 'true', ManageMasterUserPassword: 'true' })
    expect(rest).not.toHaveProperty('MasterUserPassword')
  })
})
