import {
  CreateDBClusterCommand,
  type DBCluster,
  DeleteDBClusterCommand,
  DescribeDBClusterEndpointsCommand,
  DescribeDBClustersCommand,
  ModifyDBClusterCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import type { NewCluster, RdsClusters } from '../runbooks/ports/rds-clusters.ts'
import { known } from './answer.ts'
import type { Api, CallOptions } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages } from './pages.ts'
import { clusterInput, clusterOf, newClusterInput } from './rds-cluster-shape.ts'
import { createGlobalClusters } from './rds-global-clusters.ts'
import { logExportChange } from './rds-instance-shape.ts'
import { tagList } from './tags.ts'

export function createRdsClusters(api: Api<RDSClient>): RdsClusters {
  return {
    ...createGlobalClusters(api),

    async cluster(id, signal) {
      const deed = { operation: 'rds:DescribeDBClusters', to: `look at cluster '${id}'` }
      return await ifThere(
        api.call(deed, signal, async (rds, at) => {
          const answer = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: id }), at)
          return (await withEndpoints(rds, answer.DBClusters ?? [], id, at))[0]
        }),
      )
    },

    async clusters(signal) {
      const deed = { operation: 'rds:DescribeDBClusters', to: `list the clusters of ${api.region}` }
      return await api.call(deed, signal, async (rds, at) => {
        const found = await allPages(async (Marker) => {
          const page = await rds.send(new DescribeDBClustersCommand({ Marker, MaxRecords: 100 }), at)
          return { items: page.DBClusters, next: page.Marker }
        })
        return await withEndpoints(rds, found, undefined, at)
      })
    },

    async createCluster(input, signal) {
      const deed = { operation: 'rds:CreateDBCluster', to: `create cluster '${input.id}'` }
      const command = new CreateDBClusterCommand({
        ...newClusterInput(input),
        ...originInput(input),
        DBClusterIdentifier: input.id,
        Engine: input.engine,
        EngineVersion: input.engineVersion,
        BackupRetentionPeriod: input.backupRetentionDays,
        Tags: tagList(input.tags),
        ...known({ KmsKeyId: input.kmsKeyArn, StorageType: input.storageType }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async modifyCluster(id, change, signal) {
      const { logExports, ...rest } = change
      const deed = { operation: 'rds:ModifyDBCluster', to: `change cluster '${id}'` }
      await api.call(deed, signal, async (rds, at) => {
        const command = new ModifyDBClusterCommand({
          ...clusterInput(rest),
          ...(logExports === undefined ? {} : logExportChange(await logExportsOf(rds, id, at), logExports)),
          DBClusterIdentifier: id,
          ApplyImmediately: true,
          ...known({
            BackupRetentionPeriod: rest.backupRetentionDays,
            PreferredBackupWindow: rest.backupWindow,
          }),
        })
        await rds.send(command, at)
      })
    },

    async deleteCluster(id, signal) {
      const deed = { operation: 'rds:DeleteDBCluster', to: `delete cluster '${id}'` }
      const command = new DeleteDBClusterCommand({ DBClusterIdentifier: id, SkipFinalSnapshot: true })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },
  }
}

/** A secondary has master user, database and whether it is encrypted from its primary: RDS refuses to be told. */
function originInput(input: NewCluster) {
  if (input.globalClusterId !== undefined) {
    return {
      GlobalClusterIdentifier: input.globalClusterId,
      ...(input.kmsKeyArn === undefined ? {} : { StorageEncrypted: true }),
    }
  }
  return {
    ManageMasterUserPassword: true,
    StorageEncrypted: true,
    ...known({ MasterUsername: input.masterUser, DatabaseName: input.databaseName }),
  }
}

/** The description of a cluster has the hosts of its custom endpoints, but not their names. */
async function withEndpoints(
  rds: RDSClient,
  clusters: readonly DBCluster[],
  DBClusterIdentifier: string | undefined,
  at: CallOptions,
) {
  const some = clusters.some(({ CustomEndpoints = [] }) => CustomEndpoints.length > 0)
  const endpoints = some
    ? await allPages(async (Marker) => {
        const page = await rds.send(
          new DescribeDBClusterEndpointsCommand({ DBClusterIdentifier, Marker, MaxRecords: 100 }),
          at,
        )
        return { items: page.DBClusterEndpoints, next: page.Marker }
      })
    : []
  return clusters.map((cluster) => clusterOf(cluster, endpoints))
}

async function logExportsOf(rds: RDSClient, id: string, at: CallOptions): Promise<readonly string[]> {
  const answer = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: id }), at)
  return answer.DBClusters?.[0]?.EnabledCloudwatchLogsExports ?? []
}
