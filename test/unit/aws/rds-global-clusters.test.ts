import type { GlobalCluster } from '@aws-sdk/client-rds'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type QueryCloud, startQueryCloud } from '../../testbed/query-cloud.ts'

const OLD = 'arn:aws:rds:eu-west-1:123456789012:cluster:shop'
const NEW = 'arn:aws:rds:eu-central-1:123456789012:cluster:shop'
const ANSWER: GlobalCluster = {
  GlobalClusterIdentifier: 'world',
  GlobalClusterArn: 'arn:aws:rds::123456789012:global-cluster:world',
  Status: 'failing-over',
  Engine: 'aurora-postgresql',
  EngineVersion: '16.4',
  StorageEncrypted: true,
  DeletionProtection: true,
  Endpoint: 'world.global-abc.global.rds.amazonaws.com',
  GlobalClusterMembers: [
    { DBClusterArn: OLD, IsWriter: true, Readers: [NEW], SynchronizationStatus: 'connected' },
    { DBClusterArn: NEW, IsWriter: false, SynchronizationStatus: 'pending-resync' },
  ],
  FailoverState: {
    Status: 'failing-over',
    FromDbClusterArn: OLD,
    ToDbClusterArn: NEW,
    IsDataLossAllowed: true,
  },
}

/** moto has neither a failover nor its states. */
describe('global clusters', () => {
  const { signal } = new AbortController()
  let cloud: QueryCloud
  beforeEach(async () => {
    cloud = await startQueryCloud()
  })
  afterEach(() => cloud[Symbol.asyncDispose]())

  test('a failover under way is seen with its members', async () => {
    cloud.fake.on('DescribeGlobalClusters', () => ({ result: { GlobalClusters: [ANSWER] } }))
    const expected = {
      id: 'world',
      arn: ANSWER.GlobalClusterArn,
      ...{ status: 'failing-over', engine: 'aurora-postgresql', engineVersion: '16.4' },
      ...{ encrypted: true, deletionProtection: true, endpoint: ANSWER.Endpoint },
      members: [
        { clusterArn: OLD, region: 'eu-west-1', writer: true, synchronization: 'connected' },
        { clusterArn: NEW, region: 'eu-central-1', writer: false, synchronization: 'pending-resync' },
      ],
      failover: { status: 'failing-over', fromArn: OLD, toArn: NEW, dataLossAllowed: true },
    }
    const { rds } = cloud.ports.target
    expect(await rds.globalCluster('world', signal)).toEqual(expected)
    expect(await rds.globalCluster('World', signal)).toEqual(expected)
    expect(await rds.globalCluster('other', signal)).toBeUndefined()
    expect(await rds.globalClusters(signal)).toEqual([expected])
    expect(cloud.fake.calls[0]).toMatchObject({
      region: 'eu-central-1',
      input: { GlobalClusterIdentifier: 'world' },
    })
  })

  test('one that is not there is undefined', async () => {
    cloud.fake.on('DescribeGlobalClusters', () => ({ code: 'GlobalClusterNotFoundFault', status: 404 }))
    expect(await cloud.ports.target.rds.globalCluster('world', signal)).toBeUndefined()
  })

  test('a switchover loses nothing, a failover always may', async () => {
    cloud.fake.on('SwitchoverGlobalCluster', () => ({ result: { GlobalCluster: ANSWER } }))
    cloud.fake.on('FailoverGlobalCluster', () => ({ result: { GlobalCluster: ANSWER } }))
    const { rds } = cloud.ports.target
    await rds.switchoverGlobalCluster({ id: 'world', targetArn: NEW }, signal)
    await rds.failoverGlobalCluster({ id: 'world', targetArn: NEW }, signal)
    const same = { GlobalClusterIdentifier: 'world', TargetDbClusterIdentifier: NEW }
    expect(cloud.fake.calls.map(({ input: { Action, Version, ...rest } }) => [Action, rest])).toEqual([
      ['SwitchoverGlobalCluster', same],
      ['FailoverGlobalCluster', { ...same, AllowDataLoss: 'true' }],
    ])
  })

  test.each([
    ['InvalidGlobalClusterStateFault', 'The global cluster is in an invalid state: switching-over', 'busy'],
    ['InvalidDBClusterStateFault', 'The target cluster is not available for failover', 'busy'],
    ['GlobalClusterNotFoundFault', 'no such', 'not-found'],
    ['DBClusterNotFoundFault', 'no such', 'not-found'],
    ['InvalidParameterValue', 'The target must be a secondary', 'invalid'],
  ])('a failover that is refused: %s, %s', async (code, message, fault) => {
    cloud.fake.on('FailoverGlobalCluster', () => ({ code, message }))
    const failing = cloud.ports.target.rds.failoverGlobalCluster({ id: 'world', targetArn: NEW }, signal)
    await expect(failing).rejects.toMatchObject({
      code: 'step-failed',
      details: { fault, operation: 'rds:FailoverGlobalCluster', region: 'eu-central-1', vendorCode: code },
    })
  })

  test('a secondary is told nothing that its primary decides', async () => {
    cloud.fake.on('CreateDBCluster', () => ({ result: { DBCluster: { DBClusterIdentifier: 'shop' } } }))
    const shared = {
      ...{ id: 'shop', engine: 'aurora-postgresql', engineVersion: '16.4', subnetGroup: 'private' },
      ...{ securityGroups: ['sg-1'], deletionProtection: true, backupRetentionDays: 7, tags: { a: 'b' } },
      ...{ masterUser: 'captain', databaseName: 'shop', serverless: { minCapacity: 0.5, maxCapacity: 8 } },
    }
    const { rds } = cloud.ports.target
    await rds.createCluster({ ...shared, globalClusterId: 'world' }, signal)
    await rds.createCluster({ ...shared, globalClusterId: 'world', kmsKeyArn: 'arn:key' }, signal)
    await rds.createCluster(shared, signal)
    const [plain, encrypted, alone] = cloud.fake.calls.map(({ input }) => input)
    expect(plain).toMatchObject({ GlobalClusterIdentifier: 'world', 'Tags.Tag.1.Key': 'a' })
    for (const name of [
      'MasterUsername',
      'DatabaseName',
      'ManageMasterUserPassword',
      'StorageEncrypted',
      'KmsKeyId',
    ]) {
      expect(plain).not.toHaveProperty(name)
    }
    expect(encrypted).toMatchObject({ StorageEncrypted: 'true', KmsKeyId: 'arn:key' })
    expect(alone).toMatchObject({
      ...{ MasterUsername: 'captain', DatabaseName: 'shop', ManageMasterUserPassword: 'true' },
      ...{ StorageEncrypted: 'true', 'ServerlessV2ScalingConfiguration.MinCapacity': '0.5' },
    })
    expect(JSON.stringify(cloud.fake.calls)).not.toContain('"MasterUserPassword"')
  })
})
