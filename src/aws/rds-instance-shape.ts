import type { DBInstance } from '@aws-sdk/client-rds'
import type { InstanceSettings, RdsInstance } from '../runbooks/ports/rds.ts'
import { given, known, texts } from './answer.ts'
import { tagsOf } from './tags.ts'

export function instanceOf(from: DBInstance): RdsInstance {
  return {
    id: given(from.DBInstanceIdentifier, 'DBInstanceIdentifier'),
    arn: given(from.DBInstanceArn, 'DBInstanceArn'),
    status: from.DBInstanceStatus ?? '',
    engine: from.Engine ?? '',
    engineVersion: from.EngineVersion ?? '',
    instanceClass: from.DBInstanceClass ?? '',
    storage: {
      type: from.StorageType ?? '',
      gib: from.AllocatedStorage ?? 0,
      ...known({ iops: from.Iops, throughput: from.StorageThroughput, mostGib: from.MaxAllocatedStorage }),
    },
    multiAz: from.MultiAZ ?? false,
    securityGroups: texts(from.VpcSecurityGroups?.map((group) => group.VpcSecurityGroupId)),
    parameterGroups: (from.DBParameterGroups ?? []).map((group) => ({
      name: group.DBParameterGroupName ?? '',
      status: group.ParameterApplyStatus ?? '',
    })),
    optionGroups: (from.OptionGroupMemberships ?? []).map((group) => ({
      name: group.OptionGroupName ?? '',
      status: group.Status ?? '',
    })),
    encrypted: from.StorageEncrypted ?? false,
    publiclyAccessible: from.PubliclyAccessible ?? false,
    deletionProtection: from.DeletionProtection ?? false,
    backupRetentionDays: from.BackupRetentionPeriod ?? 0,
    iamAuthentication: from.IAMDatabaseAuthenticationEnabled ?? false,
    logExports: texts(from.EnabledCloudwatchLogsExports),
    roles: texts(from.AssociatedRoles?.map((role) => role.RoleArn)),
    resourceId: from.DbiResourceId ?? '',
    replicas: [
      ...texts(from.ReadReplicaDBInstanceIdentifiers),
      ...texts(from.ReadReplicaDBClusterIdentifiers),
    ],
    backupReplications: texts(
      from.DBInstanceAutomatedBackupsReplications?.map((one) => one.DBInstanceAutomatedBackupsArn),
    ),
    tags: tagsOf(from.TagList),
    ...known({
      zone: from.AvailabilityZone,
      endpoint: endpointOf(from),
      subnetGroup: from.DBSubnetGroup?.DBSubnetGroupName,
      vpcId: from.DBSubnetGroup?.VpcId,
      kmsKeyArn: from.KmsKeyId,
      backupWindow: from.PreferredBackupWindow,
      maintenanceWindow: from.PreferredMaintenanceWindow,
      latestRestorable: from.LatestRestorableTime,
      certificateAuthority: from.CACertificateIdentifier,
      masterUser: from.MasterUsername,
      databaseName: from.DBName,
      replicaOf: from.ReadReplicaSourceDBInstanceIdentifier,
      replicationError: replicationErrorOf(from),
      clusterId: from.DBClusterIdentifier,
      roleFeatures: roleFeaturesOf(from.AssociatedRoles),
      monitoring: monitoringOf(from),
      performanceInsights:
        from.PerformanceInsightsEnabled === true
          ? known({
              kmsKeyArn: from.PerformanceInsightsKMSKeyId,
              retentionDays: from.PerformanceInsightsRetentionPeriod,
            })
          : undefined,
      licenseModel: from.LicenseModel,
      characterSet: from.CharacterSetName,
      timeZone: from.Timezone,
      autoMinorUpgrade: from.AutoMinorVersionUpgrade,
      masterSecretArn: from.MasterUserSecret?.SecretArn,
      promotionTier: from.PromotionTier,
    }),
  }
}

/** Undefined where no role is for anything that has a name. */
export function roleFeaturesOf(
  roles: readonly { RoleArn?: string | undefined; FeatureName?: string | undefined }[] = [],
): RdsInstance['roleFeatures'] {
  const found = roles.flatMap(({ RoleArn, FeatureName }) =>
    RoleArn === undefined || FeatureName === undefined || FeatureName === ''
      ? []
      : [{ role: RoleArn, feature: FeatureName }],
  )
  return found.length === 0 ? undefined : found
}

function monitoringOf({ MonitoringRoleArn, MonitoringInterval = 0 }: DBInstance): RdsInstance['monitoring'] {
  return MonitoringRoleArn === undefined || MonitoringInterval === 0
    ? undefined
    : { roleArn: MonitoringRoleArn, seconds: MonitoringInterval }
}

function endpointOf({ Endpoint }: DBInstance): RdsInstance['endpoint'] {
  const { Address: host, Port: port } = Endpoint ?? {}
  return host === undefined || host === '' || port === undefined ? undefined : { host, port }
}

function replicationErrorOf({ StatusInfos }: DBInstance): string | undefined {
  const broken = StatusInfos?.find(
    ({ StatusType, Normal }) => StatusType === 'read replication' && Normal === false,
  )
  return broken === undefined ? undefined : [broken.Status, broken.Message].filter(Boolean).join(': ')
}

/** What creations, restores and replicas have in common, in RDS's words. */
export function settingsInput(settings: Partial<InstanceSettings>) {
  return known({
    DBInstanceClass: settings.instanceClass,
    DBSubnetGroupName: settings.subnetGroup,
    VpcSecurityGroupIds: settings.securityGroups === undefined ? undefined : [...settings.securityGroups],
    DBParameterGroupName: settings.parameterGroup,
    OptionGroupName: settings.optionGroup,
    MultiAZ: settings.multiAz,
    // RDS refuses a zone beside Multi-AZ.
    AvailabilityZone: settings.multiAz === true ? undefined : settings.zone,
    PubliclyAccessible: settings.publiclyAccessible,
    DeletionProtection: settings.deletionProtection,
    EnableIAMDatabaseAuthentication: settings.iamAuthentication,
    EnableCloudwatchLogsExports: settings.logExports === undefined ? undefined : [...settings.logExports],
    Port: settings.port,
  })
}

/** `CloudwatchLogsExportConfiguration` knows additions and removals, not what shall be. */
export function logExportChange(is: readonly string[], shall: readonly string[]) {
  const EnableLogTypes = shall.filter((type) => !is.includes(type))
  const DisableLogTypes = is.filter((type) => !shall.includes(type))
  if (EnableLogTypes.length + DisableLogTypes.length === 0) return {}
  return { CloudwatchLogsExportConfiguration: { EnableLogTypes, DisableLogTypes } }
}
