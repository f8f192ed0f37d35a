import type { DBCluster, DBClusterEndpoint, GlobalCluster as GlobalClusterAnswer } from '@aws-sdk/client-rds'
import type { ClusterSettings, GlobalCluster, RdsCluster } from '../runbooks/ports/rds-clusters.ts'
import { given, known, texts } from './answer.ts'
import { parseArn } from './arn.ts'
import { roleFeaturesOf } from './rds-instance-shape.ts'
import { tagsOf } from './tags.ts'

export function clusterOf(from: DBCluster, endpoints: readonly DBClusterEndpoint[]): RdsCluster {
  const id = given(from.DBClusterIdentifier, 'DBClusterIdentifier')
  const { MinCapacity: minCapacity, MaxCapacity: maxCapacity } = from.ServerlessV2ScalingConfiguration ?? {}
  return {
    id,
    arn: given(from.DBClusterArn, 'DBClusterArn'),
    status: from.Status ?? '',
    engine: from.Engine ?? '',
    engineVersion: from.EngineVersion ?? '',
    members: (from.DBClusterMembers ?? []).map((member) => ({
      instanceId: given(member.DBInstanceIdentifier, 'DBInstanceIdentifier of a member'),
      writer: member.IsClusterWriter ?? false,
    })),
    port: from.Port ?? 0,
    customEndpoints: endpoints
      .filter((one) => one.DBClusterIdentifier === id && one.EndpointType === 'CUSTOM')
      .map((one) => ({
        ...{ id: one.DBClusterEndpointIdentifier ?? '', host: one.Endpoint ?? '' },
        ...known({
          type: one.CustomEndpointType,
          members: someOf(one.StaticMembers),
          excluded: someOf(one.ExcludedMembers),
        }),
      })),
    zones: texts(from.AvailabilityZones),
    securityGroups: texts(from.VpcSecurityGroups?.map((group) => group.VpcSecurityGroupId)),
    encrypted: from.StorageEncrypted ?? false,
    deletionProtection: from.DeletionProtection ?? false,
    backupRetentionDays: from.BackupRetentionPeriod ?? 0,
    iamAuthentication: from.IAMDatabaseAuthenticationEnabled ?? false,
    logExports: texts(from.EnabledCloudwatchLogsExports),
    roles: texts(from.AssociatedRoles?.map((role) => role.RoleArn)),
    resourceId: from.DbClusterResourceId ?? '',
    tags: tagsOf(from.TagList),
    ...known({
      engineMode: from.EngineMode,
      writerHost: from.Endpoint,
      readerHost: from.ReaderEndpoint,
      subnetGroup: from.DBSubnetGroup,
      parameterGroup: from.DBClusterParameterGroup,
      kmsKeyArn: from.KmsKeyId,
      backupWindow: from.PreferredBackupWindow,
      maintenanceWindow: from.PreferredMaintenanceWindow,
      latestRestorable: from.LatestRestorableTime,
      masterUser: from.MasterUsername,
      databaseName: from.DatabaseName,
      globalClusterId: from.GlobalClusterIdentifier,
      replicaOf: from.ReplicationSourceIdentifier,
      roleFeatures: roleFeaturesOf(from.AssociatedRoles),
      storageType: from.StorageType,
      backtrackSeconds: from.BacktrackWindow,
      masterSecretArn: from.MasterUserSecret?.SecretArn,
      serverless:
        minCapacity === undefined || maxCapacity === undefined ? undefined : { minCapacity, maxCapacity },
    }),
  }
}

function someOf(names: readonly string[] | undefined): readonly string[] | undefined {
  return names === undefined || names.length === 0 ? undefined : names
}

export function clusterInput(settings: Partial<Omit<ClusterSettings, 'logExports'>>) {
  const { securityGroups, serverless } = settings
  return known({
    VpcSecurityGroupIds: securityGroups === undefined ? undefined : [...securityGroups],
    DBClusterParameterGroupName: settings.parameterGroup,
    DeletionProtection: settings.deletionProtection,
    EnableIAMDatabaseAuthentication: settings.iamAuthentication,
    Port: settings.port,
    ServerlessV2ScalingConfiguration:
      serverless === undefined
        ? undefined
        : { MinCapacity: serverless.minCapacity, MaxCapacity: serverless.maxCapacity },
  })
}

/** What only a new cluster can be told. */
export function newClusterInput(settings: ClusterSettings) {
  return {
    ...clusterInput(settings),
    DBSubnetGroupName: settings.subnetGroup,
    CopyTagsToSnapshot: true,
    ...known({
      EnableCloudwatchLogsExports: settings.logExports === undefined ? undefined : [...settings.logExports],
    }),
  }
}

export function globalClusterOf(from: GlobalClusterAnswer): GlobalCluster {
  const { Status: status, FromDbClusterArn, ToDbClusterArn, IsDataLossAllowed } = from.FailoverState ?? {}
  return {
    id: given(from.GlobalClusterIdentifier, 'GlobalClusterIdentifier'),
    arn: given(from.GlobalClusterArn, 'GlobalClusterArn'),
    status: from.Status ?? '',
    engine: from.Engine ?? '',
    engineVersion: from.EngineVersion ?? '',
    encrypted: from.StorageEncrypted ?? false,
    deletionProtection: from.DeletionProtection ?? false,
    members: (from.GlobalClusterMembers ?? []).map((member) => {
      const clusterArn = given(member.DBClusterArn, 'DBClusterArn of a member')
      return {
        clusterArn,
        region: given(parseArn(clusterArn)?.region, 'region of a member'),
        writer: member.IsWriter ?? false,
        ...known({ synchronization: member.SynchronizationStatus }),
      }
    }),
    ...known({
      endpoint: from.Endpoint,
      failover:
        status === undefined
          ? undefined
          : {
              status,
              dataLossAllowed: IsDataLossAllowed ?? false,
              ...known({ fromArn: FromDbClusterArn, toArn: ToDbClusterArn }),
            },
    }),
  }
}
