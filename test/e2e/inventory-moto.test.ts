import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import {
  AddRoleToDBInstanceCommand,
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  CreateDBInstanceReadReplicaCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  Route53Client,
} from '@aws-sdk/client-route-53'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Inventory, sourceOf, targetOf } from '../../src/app/inventory/record.ts'
import { takeInventory } from '../../src/app/inventory/take-inventory.ts'
import { type OpenCloud, openCloud } from '../../src/aws/index.ts'
import { systemClock } from '../../src/core/clock.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { lacks } from '../testbed/requirement.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const REGIONS = ['--source', SOURCE, '--target', TARGET, '--db', 'shop']
const ACCOUNT = '123456789012'
const { signal } = new AbortController()
const trustOf = (Service: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }],
})
const TRUST = trustOf('rds.amazonaws.com')
const WATCH = trustOf('monitoring.rds.amazonaws.com')

/**
 * An instance and a cluster with what a rebuild has to know of, at a fake of AWS. What that has not (replicated backups, custom endpoints,
 * global clusters outside of us-east-1), test/unit/aws and test/unit/app/inventory have.
 */
describe.skipIf(lacks('aws'))('a rebuild', { timeout: 120_000 }, () => {
  let moto: S3Container
  let home: string
  let cloud: OpenCloud
  let inventory: Inventory
  let groupId: string
  let keyArn: string

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-rebuild-'))
    moto = await startMotoContainer()
    stubAwsEnvironment()
    cloud = openCloud({ source: SOURCE, target: TARGET, endpoint: moto.endpoint }, noDatabase)
    await furnish(moto.endpoint)
    const taken = { both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'inventory' }
    inventory = await takeInventory({ ports: cloud, ...taken, clock: systemClock, timeoutMs: 60_000 }, signal)
  })
  afterAll(async () => {
    cloud?.[Symbol.dispose]()
    vi.unstubAllEnvs()
    await moto?.stop()
    await rm(home, { recursive: true, force: true })
  })

  async function furnish(endpoint: string): Promise<void> {
    const { rds, ec2, kms } = cloud.source
    const own = { description: 'databases', tags: { team: 'sea' } }
    for (const side of [cloud.source, cloud.target]) {
      const vpc = (await side.ec2.vpcs(signal)).find(({ isDefault }) => isDefault)
      const subnets = await side.ec2.subnets(vpc?.id, signal)
      const name = side.region === SOURCE ? 'private' : 'db-private'
      await side.rds.createSubnetGroup({ ...own, name, subnetIds: subnets.map(({ id }) => id) }, signal)
      // The fake fails where a replica's region lacks the groups of its source.
      const group = { ...own, of: 'instance', name: 'tuned', family: 'mysql8.0' } as const
      await side.rds.createParameterGroup(group, signal)
      const options = { ...own, name: 'audited', engine: 'mysql', majorVersion: '8.0' }
      await side.rds.createOptionGroup(options, signal)
    }
    const vpc = (await ec2.vpcs(signal)).find(({ isDefault }) => isDefault)
    groupId = (await ec2.createSecurityGroup({ ...own, name: 'database', vpcId: vpc?.id ?? '' }, signal)).id
    const rule = { protocol: 'tcp', fromPort: 3306, toPort: 3306 }
    await ec2.allowInbound(groupId, [{ ...rule, peer: '10.0.0.0/16', description: 'offices' }], signal)
    const parameter = { name: 'max_connections', value: '500', apply: 'immediate' } as const
    await rds.setParameters('instance', 'tuned', [parameter], signal)
    keyArn = (await kms.createKey({ description: 'databases', policy: '{}', tags: {} }, signal)).arn
    await kms.createAlias({ alias: 'alias/databases', keyId: keyArn }, signal)

    const iam = new IAMClient({ endpoint, region: 'us-east-1' })
    for (const [RoleName, trust] of [
      ['imports', TRUST],
      ['monitor', WATCH],
    ] as const)
      await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }))
    const client = new RDSClient({ endpoint, region: SOURCE })
    await client.send(
      new CreateDBInstanceCommand({
        ...{ DBInstanceIdentifier: 'shop', Engine: 'mysql', EngineVersion: '8.0.40', Port: 3306 },
        ...{ DBInstanceClass: 'db.r6g.large', AllocatedStorage: 200, StorageType: 'io1', Iops: 2000 },
        ...{ MaxAllocatedStorage: 1000, MultiAZ: true, DBSubnetGroupName: 'private' },
        ...{ VpcSecurityGroupIds: [groupId], DBParameterGroupName: 'tuned', OptionGroupName: 'audited' },
        ...{ Tags: [{ Key: 'app', Value: 'shop' }], StorageEncrypted: true, KmsKeyId: keyArn },
        ...{ EnableCloudwatchLogsExports: ['error', 'slowquery'], BackupRetentionPeriod: 7 },
        ...{ PreferredBackupWindow: '03:00-03:30', PreferredMaintenanceWindow: 'sun:04:00-sun:04:30' },
        ...{ DeletionProtection: true, EnableIAMDatabaseAuthentication: true, MonitoringInterval: 60 },
        MonitoringRoleArn: `arn:aws:iam::${ACCOUNT}:role/monitor`,
        ...{ MasterUsername: 'captain', MasterUserPassword: 'not-so-secret', DBName: 'shop' },
      }),
    )
    await client.send(
      new AddRoleToDBInstanceCommand({
        ...{ DBInstanceIdentifier: 'shop', FeatureName: 's3Import' },
        RoleArn: `arn:aws:iam::${ACCOUNT}:role/imports`,
      }),
    )
    const across = await cloud.target.kms.createKey({ description: '', policy: '{}', tags: {} }, signal)
    await cloud.target.kms.createAlias({ alias: 'alias/there', keyId: across.id }, signal)
    const there = new RDSClient({ endpoint, region: TARGET })
    await there.send(
      new CreateDBInstanceReadReplicaCommand({
        ...{ DBInstanceIdentifier: 'shop-replica', KmsKeyId: across.arn },
        SourceDBInstanceIdentifier: `arn:aws:rds:${SOURCE}:${ACCOUNT}:db:shop`,
      }),
    )
    const taken = { kind: 'instance', tags: {} } as const
    await rds.createSnapshot({ ...taken, id: 'taken', sourceId: 'shop' }, signal)
    const sourceArn = (await rds.snapshot('instance', 'taken', signal))?.arn ?? ''
    await cloud.target.rds.copySnapshot({ ...taken, id: 'copy', sourceArn, kmsKeyArn: across.arn }, signal)
    await client.send(
      new CreateDBClusterCommand({
        ...{ DBClusterIdentifier: 'ledger', Engine: 'aurora-mysql', MasterUsername: 'captain' },
        ...{ MasterUserPassword: 'not-so-secret', DBSubnetGroupName: 'private', DeletionProtection: true },
      }),
    )
    await new CloudWatchClient({ endpoint, region: SOURCE }).send(
      new PutMetricAlarmCommand({
        ...{ AlarmName: 'cpu', Namespace: 'AWS/RDS', MetricName: 'CPUUtilization', Period: 60 },
        ...{ EvaluationPeriods: 1, ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Average' },
        ...{ Threshold: 90, Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop' }] },
      }),
    )
    const route53 = new Route53Client({ endpoint, region: 'us-east-1' })
    const { HostedZone } = await route53.send(
      new CreateHostedZoneCommand({ Name: 'example.com', CallerReference: 'x' }),
    )
    const host = (await rds.instance('shop', signal))?.endpoint?.host ?? ''
    const point = (Name: string, Value: string) => ({
      Action: 'CREATE' as const,
      ResourceRecordSet: { Name, Type: 'CNAME' as const, TTL: 300, ResourceRecords: [{ Value }] },
    })
    await route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: HostedZone?.Id ?? '',
        ChangeBatch: {
          Changes: [
            point('db.example.com', host),
            point('shop.example.com', 'db.example.com'),
            point('other.example.com', 'elsewhere.example.org'),
          ],
        },
      }),
    )
  }

  const shop = () => sourceOf(inventory).instances.find(({ id }) => id === 'shop')

  test('knows class, engine, storage with its IOPS and growth, and Multi-AZ', () => {
    expect(shop()).toMatchObject({
      ...{ engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.r6g.large', multiAz: true },
      storage: { type: 'io1', gib: 200, iops: 2000, mostGib: 1000 },
    })
  })

  test('knows subnet group, security groups with their rules, parameters, options, tags and key', () => {
    expect(shop()).toMatchObject({
      ...{ subnetGroup: 'private', securityGroups: [groupId], kmsKeyArn: keyArn, tags: { app: 'shop' } },
      ...{ parameterGroups: [{ name: 'tuned' }], optionGroups: [{ name: 'audited' }] },
    })
    const { subnetGroups, securityGroups, instanceParameterGroups, optionGroups, keys } = sourceOf(inventory)
    expect(subnetGroups.find(({ name }) => name === 'private')?.subnets.length).toBeGreaterThan(1)
    expect(securityGroups.find(({ id }) => id === groupId)?.inbound).toEqual([
      { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '10.0.0.0/16', description: 'offices' },
    ])
    expect(instanceParameterGroups).toEqual([
      expect.objectContaining({
        ...{ name: 'tuned', family: 'mysql8.0' },
        parameters: [{ name: 'max_connections', value: '500', apply: 'immediate' }],
      }),
    ])
    expect(optionGroups).toEqual([expect.objectContaining({ name: 'audited', majorVersion: '8.0' })])
    expect(keys).toContainEqual(expect.objectContaining({ arn: keyArn, aliases: ['alias/databases'] }))
  })

  test('knows roles with what they are for and who may assume them, and who watches', () => {
    const imports = `arn:aws:iam::${ACCOUNT}:role/imports`
    const monitor = `arn:aws:iam::${ACCOUNT}:role/monitor`
    expect(shop()).toMatchObject({
      ...{ roles: [imports], roleFeatures: [{ role: imports, feature: 's3Import' }] },
      monitoring: { roleArn: monitor, seconds: 60 },
    })
    expect(inventory.roles.map(({ arn, trust }) => [arn, JSON.parse(trust)])).toEqual([
      [imports, TRUST],
      [monitor, WATCH],
    ])
    // The one that only watches is no part of the landing zone.
    const landing = inventory.landing.find(({ database }) => database === 'shop')
    expect(landing?.entries.filter(({ kind }) => kind === 'role')).toEqual([
      { kind: 'role', source: imports, target: imports, missing: null },
    ])
  })

  test('knows log exports, windows, deletion protection and alarms', () => {
    expect(shop()).toMatchObject({
      ...{ logExports: ['error', 'slowquery'], deletionProtection: true, iamAuthentication: true },
      ...{ backupWindow: '03:00-03:30', maintenanceWindow: 'sun:04:00-sun:04:30', backupRetentionDays: 7 },
    })
    expect(sourceOf(inventory).alarms).toEqual([
      expect.objectContaining({ name: 'cpu', definition: expect.objectContaining({ Threshold: 90 }) }),
    ])
  })

  test('knows replicas, snapshots on both sides, and endpoints with their ports', () => {
    const [from, to] = [sourceOf(inventory), targetOf(inventory)]
    expect(to?.instances).toEqual([
      expect.objectContaining({ id: 'shop-replica', replicaOf: expect.stringMatching(/:db:shop$/) }),
    ])
    expect(from.snapshots.map(({ id }) => id)).toContain('taken')
    expect(to?.snapshots).toEqual([
      expect.objectContaining({ id: 'copy', sourceId: 'shop', gib: 200, encrypted: true }),
    ])
    expect(shop()?.endpoint).toEqual({ host: expect.stringContaining(SOURCE), port: 3306 })
    expect(from.clusters).toEqual([
      expect.objectContaining({
        ...{ id: 'ledger', port: 3306, writerHost: expect.stringContaining('cluster') },
        readerHost: expect.stringContaining('cluster-ro'),
      }),
    ])
  })

  test('knows the DNS records that lead there, straight or by others', () => {
    const names = inventory.dns.flatMap(({ records }) => records.map(({ name }) => name))
    expect(names.toSorted()).toEqual(['db.example.com', 'shop.example.com'])
  })

  test('what prepare was told and has made is what a way lands in, with no more options', async () => {
    const env = {
      ...{ AWS_ACCESS_KEY_ID: 'lifeboat', AWS_SECRET_ACCESS_KEY: 'not-so-secret' },
      ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
      ...{ AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: moto.endpoint },
    }
    const run = async (...args: string[]) => {
      const { stdout, stderr } = await runLifeboat([...args, '--json'], { home, env })
      if (stdout === '') throw new Error(stderr)
      return JSON.parse(stdout)
    }
    const named = ['--subnet-group', 'db-private', '--kms-key', 'alias/there']
    expect(await run('migrate', 'prepare', ...REGIONS, ...named)).toMatchObject({ outcome: 'done' })
    const made = (await cloud.target.ec2.securityGroups(undefined, signal)).find(
      ({ name }) => name === 'database',
    )
    const plan = await run('migrate', 'copy-snapshot', ...REGIONS, '--dry-run')
    expect(plan.beware[0]).toMatch(/^As settled by prepare, run .*: --subnet-group db-private /)
    const lines = (plan.steps as { commands: { line: string }[] }[])
      .flatMap(({ commands }) => commands.map(({ line }) => line))
      .join('\n')
    expect(lines).toContain('--db-subnet-group-name db-private')
    expect(lines).toContain(`--vpc-security-group-ids ${made?.id}`)
    expect(lines).toMatch(/--kms-key-id arn:aws:kms:eu-central-1:/)
    const { databases } = await run('assess', ...REGIONS)
    expect(databases[0].landing).toMatchObject({
      kept: { from: expect.stringMatching(/^prepare, run /) },
      subnetGroup: { value: { name: 'db-private', there: true } },
      securityGroups: { value: { ids: [made?.id], missing: [], shut: [] } },
      roles: { value: [{ arn: `arn:aws:iam::${ACCOUNT}:role/imports`, wrong: null }] },
    })
    // A second run of prepare needs not be told again.
    expect(await run('migrate', 'prepare', ...REGIONS)).toMatchObject({
      outcome: 'done',
      beware: [
        expect.stringMatching(/^As settled by prepare/),
        expect.stringMatching(/is in .* already/),
        // The target's was there before, with nothing set.
        expect.stringMatching(/^Parameter group tuned .* does not set as in .*: max_connections\./),
      ],
    })
  })
})
