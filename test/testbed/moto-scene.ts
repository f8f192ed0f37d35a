import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch'
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
} from '@aws-sdk/client-kms'
import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  CreateDBClusterCommand,
  CreateDBClusterParameterGroupCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBInstanceCommand,
  CreateDBInstanceReadReplicaCommand,
  CreateDBParameterGroupCommand,
  CreateDBSnapshotCommand,
  CreateDBSubnetGroupCommand,
  CreateOptionGroupCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DescribeDBParameterGroupsCommand,
  DescribeDBParametersCommand,
  DescribeDBSnapshotsCommand,
  DescribeOptionGroupsCommand,
  ModifyDBParameterGroupCommand,
  OptionGroupNotFoundFault,
  RDSClient,
} from '@aws-sdk/client-rds'
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListHealthChecksCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53'

export const SOURCE = 'eu-west-1'
export const TARGET = 'eu-central-1'
const ENGINE = { instance: 'mysql', cluster: 'aurora-mysql' } as const
const VERSION = { instance: '8.0.40', cluster: '8.0.mysql_aurora.3.08.0' } as const
const MASTER = { MasterUsername: 'captain', MasterUserPassword: 'not-so-secret' }

export interface MotoSceneOptions {
  readonly kind: 'instance' | 'cluster'
  readonly encrypted: boolean
  /** The target region has a subnet group and nothing else. */
  readonly bare?: boolean
}

/** What a name of clients points at before a cutover, and after. */
export const OLD_HOST = 'shop.old.invalid'
export const NEW_HOST = 'shop.new.invalid'

/** A database `shop` in the source region, a replica (of an instance) and a copied snapshot in the target, and what each region has for it. */
export interface MotoScene {
  /** Of the target region, for the flags of a way. */
  readonly securityGroup: string
  /** What there is to see of all that ways touch, in both regions, with what differs from cloud to cloud under one name. */
  read(run?: string): Promise<unknown>
}

export async function furnishMoto(
  endpoint: string,
  account: string,
  { kind, encrypted, bare = false }: MotoSceneOptions,
): Promise<MotoScene> {
  const credentials = { accessKeyId: 'lifeboat', secretAccessKey: 'not-so-secret' }
  const regions = [SOURCE, TARGET].map((region) => {
    const settings = { endpoint, region, credentials }
    return {
      region,
      rds: new RDSClient(settings),
      ec2: new EC2Client(settings),
      kms: new KMSClient(settings),
      cloudwatch: new CloudWatchClient(settings),
    }
  })
  const named = new Map<string, string>([[account, 'ACCOUNT']])
  const groups = new Map<string, string>()
  const keys = new Map<string, string>()
  for (const { region, rds, ec2, kms } of regions) {
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}))
    const SubnetIds = Subnets.map(({ SubnetId = '' }) => SubnetId)
    const VpcId = Subnets[0]?.VpcId
    named.set(VpcId ?? '', `VPC ${region}`)
    for (const [index, id] of SubnetIds.entries()) named.set(id, `SUBNET ${index} ${region}`)
    const description = 'for tests'
    const DBSubnetGroupName = 'private'
    await rds.send(
      new CreateDBSubnetGroupCommand({ DBSubnetGroupName, DBSubnetGroupDescription: description, SubnetIds }),
    )
    if (bare && region === TARGET) continue
    const { GroupId = '' } = await ec2.send(
      new CreateSecurityGroupCommand({ GroupName: 'databases', Description: 'databases', VpcId }),
    )
    const IpPermissions = [
      { IpProtocol: 'tcp', FromPort: 3306, ToPort: 3306, IpRanges: [{ CidrIp: '10.0.0.0/16' }] },
    ]
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }))
    const { KeyMetadata } = await kms.send(
      new CreateKeyCommand({ KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT' }),
    )
    const { KeyId = '', Arn = '' } = KeyMetadata ?? {}
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/databases', TargetKeyId: KeyId }))
    groups.set(region, GroupId)
    keys.set(region, Arn)
    const group = { Description: description, DBParameterGroupFamily: 'mysql8.0' }
    await rds.send(new CreateDBParameterGroupCommand({ ...group, DBParameterGroupName: 'tuned' }))
    const Parameters = [
      { ParameterName: 'max_connections', ParameterValue: '77', ApplyMethod: 'immediate' as const },
    ]
    await rds.send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: 'tuned', Parameters }))
    await rds.send(
      new CreateDBClusterParameterGroupCommand({ ...group, DBClusterParameterGroupName: 'tuned' }),
    )
    const options = { OptionGroupName: 'standard', OptionGroupDescription: description }
    await rds.send(
      new CreateOptionGroupCommand({ ...options, EngineName: 'mysql', MajorEngineVersion: '8.0' }),
    )
  }
  const [from, to] = regions as [(typeof regions)[number], (typeof regions)[number]]
  const at = (region: string) => ({
    DBSubnetGroupName: 'private',
    VpcSecurityGroupIds: [groups.get(region) ?? ''],
    ...(encrypted && { KmsKeyId: keys.get(region) ?? '' }),
  })
  const arnOf = (type: string, name: string) => `arn:aws:rds:${SOURCE}:${account}:${type}:${name}`
  const acrossKey = encrypted ? { KmsKeyId: keys.get(TARGET) ?? '' } : {}
  const settings = { Engine: ENGINE[kind], EngineVersion: VERSION[kind], StorageEncrypted: encrypted }
  if (kind === 'instance') {
    await from.rds.send(
      new CreateDBInstanceCommand({
        ...{ ...at(SOURCE), ...settings, ...MASTER, DBInstanceIdentifier: 'shop', Port: 3307 },
        ...{ DBInstanceClass: 'db.r6g.large', AllocatedStorage: 20, StorageType: 'gp3' },
        ...{ DBParameterGroupName: 'tuned', OptionGroupName: 'standard', BackupRetentionPeriod: 3 },
        ...{ EnableCloudwatchLogsExports: ['error'], EnableIAMDatabaseAuthentication: true },
        // A restore by moto takes no `false`: what the snapshot's instance was stays.
        ...{ MultiAZ: encrypted, PubliclyAccessible: false },
      }),
    )
    await from.rds.send(
      new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'shop', DBSnapshotIdentifier: 'shop-nightly' }),
    )
    if (!bare) {
      await to.rds.send(
        new CopyDBSnapshotCommand({
          ...acrossKey,
          SourceDBSnapshotIdentifier: arnOf('snapshot', 'shop-nightly'),
          TargetDBSnapshotIdentifier: 'shop-across',
        }),
      )
      await to.rds.send(
        new CreateDBInstanceReadReplicaCommand({
          ...acrossKey,
          DBInstanceIdentifier: 'shop-replica',
          SourceDBInstanceIdentifier: arnOf('db', 'shop'),
        }),
      )
    }
  } else {
    await from.rds.send(
      new CreateDBClusterCommand({
        ...{ ...at(SOURCE), ...settings, ...MASTER, DBClusterIdentifier: 'shop', BackupRetentionPeriod: 3 },
        ...{ DBClusterParameterGroupName: 'tuned' },
      }),
    )
    for (const number of [1, 2])
      await from.rds.send(
        new CreateDBInstanceCommand({
          ...{ Engine: ENGINE[kind], DBInstanceIdentifier: `shop-${number}`, DBClusterIdentifier: 'shop' },
          DBInstanceClass: 'db.r6g.large',
        }),
      )
    await from.rds.send(
      new CreateDBClusterSnapshotCommand({
        DBClusterIdentifier: 'shop',
        DBClusterSnapshotIdentifier: 'shop-nightly',
      }),
    )
    await to.rds.send(
      new CopyDBClusterSnapshotCommand({
        ...acrossKey,
        SourceDBClusterSnapshotIdentifier: arnOf('cluster-snapshot', 'shop-nightly'),
        TargetDBClusterSnapshotIdentifier: 'shop-across',
      }),
    )
  }
  const route53 = new Route53Client({ endpoint, region: TARGET, credentials })
  const { HostedZone } = await route53.send(
    new CreateHostedZoneCommand({ Name: 'example.internal', CallerReference: 'tests' }),
  )
  const HostedZoneId = HostedZone?.Id?.replace('/hostedzone/', '') ?? ''
  named.set(HostedZoneId, 'ZONE')
  const cname = { Type: 'CNAME' as const, TTL: 300, ResourceRecords: [{ Value: OLD_HOST }] }
  const Changes = ['db.example.internal', 'orders.example.internal'].map((Name) => ({
    ...{ Action: 'CREATE' as const, ResourceRecordSet: { Name, ...cname } },
  }))
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch: { Changes } }))
  return {
    securityGroup: groups.get(TARGET) ?? '',
    async read(run) {
      const all = await Promise.all(
        regions.map(async ({ region, rds, ec2, kms, cloudwatch }) => {
          const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}))
          for (const { GroupId = '', GroupName = '' } of SecurityGroups)
            named.set(GroupId, `GROUP ${GroupName} ${region}`)
          const { Aliases = [] } = await kms.send(new ListAliasesCommand({}))
          for (const { TargetKeyId, AliasName = '' } of Aliases)
            if (TargetKeyId !== undefined) named.set(TargetKeyId, `KEY ${AliasName} ${region}`)
          const { Keys = [] } = await kms.send(new ListKeysCommand({}))
          const tuned = { DBParameterGroupName: 'tuned' }
          const { DBParameterGroups = [] } = await rds.send(new DescribeDBParameterGroupsCommand({}))
          const hasTuned = DBParameterGroups.some((each) => each.DBParameterGroupName === 'tuned')
          const state = {
            ...{ SecurityGroups, DBParameterGroups },
            parameters: hasTuned && (await rds.send(new DescribeDBParametersCommand(tuned))).Parameters,
            optionGroups: await optionGroups(rds),
            instances: (await rds.send(new DescribeDBInstancesCommand({}))).DBInstances,
            alarms: (await cloudwatch.send(new DescribeAlarmsCommand({}))).MetricAlarms,
            clusters: (await rds.send(new DescribeDBClustersCommand({}))).DBClusters,
            snapshots: (await rds.send(new DescribeDBSnapshotsCommand({}))).DBSnapshots,
            clusterSnapshots: (await rds.send(new DescribeDBClusterSnapshotsCommand({}))).DBClusterSnapshots,
            keys: await Promise.all(
              Keys.map(async ({ KeyId = '' }) => ({
                ...{
                  KeyId,
                  policy: (await kms.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }))).Policy,
                },
                tags: (await kms.send(new ListResourceTagsCommand({ KeyId }))).Tags,
              })),
            ),
          }
          return [region, state]
        }),
      )
      const { ResourceRecordSets } = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId }))
      const { HealthChecks = [] } = await route53.send(new ListHealthChecksCommand({}))
      for (const { Id = '' } of HealthChecks) named.set(Id, 'CHECK')
      const runs = run === undefined ? [] : [run, run.toLowerCase()]
      return plainly(
        { ...Object.fromEntries(all), records: ResourceRecordSets, HealthChecks },
        new Map([...named, ...runs.map((id) => [id, 'RUN'] as const)]),
      )
    },
  }
}

/** All of them moto can not tell. */
async function optionGroups(rds: RDSClient): Promise<unknown> {
  try {
    const answer = await rds.send(new DescribeOptionGroupsCommand({ OptionGroupName: 'standard' }))
    return answer.OptionGroupsList
  } catch (thrown) {
    if (thrown instanceof OptionGroupNotFoundFault) return []
    throw thrown
  }
}

/** Moments, and ids that moto makes up. */
const OWN = /(Time|ResourceId|^HostedZoneId|^ActivityStreamStatus|^Address|Endpoint)$/

/** Without what is another in each cloud, and with names for what is known. */
function plainly(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (value instanceof Date) return 'MOMENT'
  if (Array.isArray(value)) {
    const all = value.map((each) => plainly(each, names))
    return all.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        name,
        OWN.test(name) && typeof each === 'string' ? 'ITS OWN' : plainly(each, names),
      ]),
    )
  }
  if (typeof value !== 'string') return value
  const text = [...names].reduce((so, [id, name]) => so.replaceAll(id, name), value)
  // moto names an automated snapshot after the minute.
  return text.replace(/(?<=\brds:.*)-\d{4}(-\d\d){4}$/, '-MINUTE')
}
