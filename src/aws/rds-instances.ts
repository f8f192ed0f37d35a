import {
  AddRoleToDBClusterCommand,
  AddRoleToDBInstanceCommand,
  CreateDBInstanceCommand,
  CreateDBInstanceReadReplicaCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  PromoteReadReplicaCommand,
  type RDSClient,
  RebootDBInstanceCommand,
} from '@aws-sdk/client-rds'
import type { NewInstance, RdsInstances } from '../runbooks/ports/rds.ts'
import { known } from './answer.ts'
import type { Api, CallOptions } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages } from './pages.ts'
import { instanceOf, logExportChange, settingsInput } from './rds-instance-shape.ts'
import { tagList } from './tags.ts'

export function createRdsInstances(api: Api<RDSClient>): RdsInstances {
  return {
    async instance(id, signal) {
      const deed = { operation: 'rds:DescribeDBInstances', to: `look at instance '${id}'` }
      const answer = await ifThere(
        api.call(deed, signal, (rds, at) =>
          rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), at),
        ),
      )
      const found = answer?.DBInstances?.[0]
      return found === undefined ? undefined : instanceOf(found)
    },

    async instances(signal) {
      const deed = { operation: 'rds:DescribeDBInstances', to: `list the instances of ${api.region}` }
      return await api.call(deed, signal, (rds, at) =>
        allPages(async (Marker) => {
          const page = await rds.send(new DescribeDBInstancesCommand({ Marker, MaxRecords: 100 }), at)
          return { items: page.DBInstances?.map(instanceOf), next: page.Marker }
        }),
      )
    },

    async createInstance(input, signal) {
      const deed = { operation: 'rds:CreateDBInstance', to: `create instance '${input.id}'` }
      const command = new CreateDBInstanceCommand({
        ...settingsInput(input),
        ...storageInput(input.storage),
        DBInstanceIdentifier: input.id,
        DBInstanceClass: input.instanceClass,
        Engine: input.engine,
        EngineVersion: input.engineVersion,
        MasterUsername: input.masterUser,
        ManageMasterUserPassword: true,
        StorageEncrypted: true,
        BackupRetentionPeriod: input.backupRetentionDays,
        CopyTagsToSnapshot: true,
        Tags: tagList(input.tags),
        ...known({
          DBName: input.databaseName,
          KmsKeyId: input.kmsKeyArn,
          LicenseModel: input.licenseModel,
          CharacterSetName: input.characterSet,
          Timezone: input.timeZone,
        }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async createClusterInstance(input, signal) {
      const deed = {
        operation: 'rds:CreateDBInstance',
        to: `create instance '${input.id}' of cluster '${input.clusterId}'`,
      }
      const command = new CreateDBInstanceCommand({
        DBInstanceIdentifier: input.id,
        DBClusterIdentifier: input.clusterId,
        Engine: input.engine,
        DBInstanceClass: input.instanceClass,
        PubliclyAccessible: input.publiclyAccessible,
        Tags: tagList(input.tags),
        ...known({ DBParameterGroupName: input.parameterGroup, AvailabilityZone: input.zone }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async createReplica(input, signal) {
      const deed = {
        operation: 'rds:CreateDBInstanceReadReplica',
        to: `create replica '${input.id}' of '${input.sourceArn}'`,
      }
      const command = new CreateDBInstanceReadReplicaCommand({
        ...settingsInput(input),
        DBInstanceIdentifier: input.id,
        SourceDBInstanceIdentifier: input.sourceArn,
        CopyTagsToSnapshot: true,
        Tags: tagList(input.tags),
        ...known({ KmsKeyId: input.kmsKeyArn }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async promoteReplica(input, signal) {
      const deed = { operation: 'rds:PromoteReadReplica', to: `promote replica '${input.id}'` }
      const command = new PromoteReadReplicaCommand({
        DBInstanceIdentifier: input.id,
        BackupRetentionPeriod: input.backupRetentionDays,
        ...known({ PreferredBackupWindow: input.backupWindow }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async modifyInstance(id, change, signal) {
      const { logExports, ...rest } = change
      const deed = { operation: 'rds:ModifyDBInstance', to: `change instance '${id}'` }
      await api.call(deed, signal, async (rds, at) => {
        const command = new ModifyDBInstanceCommand({
          ...settingsInput(rest),
          ...(logExports === undefined ? {} : logExportChange(await logExportsOf(rds, id, at), logExports)),
          DBInstanceIdentifier: id,
          ApplyImmediately: true,
          ...known({
            BackupRetentionPeriod: rest.backupRetentionDays,
            PreferredBackupWindow: rest.backupWindow,
          }),
        })
        await rds.send(command, at)
      })
    },

    async rebootInstance(id, signal) {
      const deed = { operation: 'rds:RebootDBInstance', to: `reboot instance '${id}'` }
      await api.call(deed, signal, (rds, at) =>
        rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: id }), at),
      )
    },

    async addRole({ kind, id, role, feature }, signal) {
      const isCluster = kind === 'cluster'
      const operation = isCluster ? 'rds:AddRoleToDBCluster' : 'rds:AddRoleToDBInstance'
      const deed = { operation, to: `give ${kind} '${id}' role '${role}'` }
      await api.call(deed, signal, async (rds, at) => {
        if (isCluster) {
          const command = { DBClusterIdentifier: id, RoleArn: role, ...known({ FeatureName: feature }) }
          await rds.send(new AddRoleToDBClusterCommand(command), at)
          return
        }
        const command = { DBInstanceIdentifier: id, RoleArn: role, FeatureName: feature ?? '' }
        await rds.send(new AddRoleToDBInstanceCommand(command), at)
      })
    },

    async deleteInstance(id, signal) {
      const deed = { operation: 'rds:DeleteDBInstance', to: `delete instance '${id}'` }
      const command = new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },
  }
}

async function logExportsOf(rds: RDSClient, id: string, at: CallOptions): Promise<readonly string[]> {
  const answer = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), at)
  return answer.DBInstances?.[0]?.EnabledCloudwatchLogsExports ?? []
}

/**
 * Small volumes of gp3 report the 3,000 IOPS and 125 MiB/s that are part of them, but RDS refuses a request that asks for
 * just that below its threshold ("You can't specify IOPS or storage throughput …", 400 GiB for most engines).
 */
function storageInput({ type, gib, iops, throughput }: NewInstance['storage']) {
  const asked = (amount: number | undefined, included: number) =>
    type === 'gp3' && amount !== undefined && amount <= included ? undefined : amount
  return {
    AllocatedStorage: gib,
    ...known({ StorageType: type, Iops: asked(iops, 3_000), StorageThroughput: asked(throughput, 125) }),
  }
}
