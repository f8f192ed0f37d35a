import {
  CreateGlobalClusterCommand,
  DeleteGlobalClusterCommand,
  DescribeGlobalClustersCommand,
  FailoverGlobalClusterCommand,
  type RDSClient,
  RemoveFromGlobalClusterCommand,
  SwitchoverGlobalClusterCommand,
} from '@aws-sdk/client-rds'
import type { RdsClusters } from '../runbooks/ports/rds-clusters.ts'
import type { Api } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages } from './pages.ts'
import { globalClusterOf } from './rds-cluster-shape.ts'
import { tagList } from './tags.ts'

type GlobalClusters = Pick<
  RdsClusters,
  | 'globalCluster'
  | 'globalClusters'
  | 'createGlobalCluster'
  | 'switchoverGlobalCluster'
  | 'failoverGlobalCluster'
  | 'removeFromGlobalCluster'
  | 'deleteGlobalCluster'
>

export function createGlobalClusters(api: Api<RDSClient>): GlobalClusters {
  return {
    async globalCluster(id, signal) {
      const deed = { operation: 'rds:DescribeGlobalClusters', to: `look at global cluster '${id}'` }
      const answer = await ifThere(
        api.call(deed, signal, (rds, at) =>
          rds.send(new DescribeGlobalClustersCommand({ GlobalClusterIdentifier: id }), at),
        ),
      )
      const found = answer?.GlobalClusters?.find(
        (one) => one.GlobalClusterIdentifier?.toLowerCase() === id.toLowerCase(),
      )
      return found === undefined ? undefined : globalClusterOf(found)
    },

    async globalClusters(signal) {
      const deed = {
        operation: 'rds:DescribeGlobalClusters',
        to: `list the global clusters of ${api.region}`,
      }
      return await api.call(deed, signal, (rds, at) =>
        allPages(async (Marker) => {
          const page = await rds.send(new DescribeGlobalClustersCommand({ Marker, MaxRecords: 100 }), at)
          return { items: page.GlobalClusters?.map(globalClusterOf), next: page.Marker }
        }),
      )
    },

    async createGlobalCluster({ id, primaryArn, tags }, signal) {
      const deed = {
        operation: 'rds:CreateGlobalCluster',
        to: `create global cluster '${id}' around '${primaryArn}'`,
      }
      // Engine, encryption and the rest are the primary's: RDS refuses to be told.
      const command = new CreateGlobalClusterCommand({
        GlobalClusterIdentifier: id,
        SourceDBClusterIdentifier: primaryArn,
        Tags: tagList(tags),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async switchoverGlobalCluster({ id, targetArn }, signal) {
      const deed = {
        operation: 'rds:SwitchoverGlobalCluster',
        to: `switch global cluster '${id}' over to '${targetArn}'`,
      }
      const command = new SwitchoverGlobalClusterCommand({
        GlobalClusterIdentifier: id,
        TargetDbClusterIdentifier: targetArn,
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async failoverGlobalCluster({ id, targetArn }, signal) {
      const deed = {
        operation: 'rds:FailoverGlobalCluster',
        to: `fail global cluster '${id}' over to '${targetArn}'`,
      }
      const command = new FailoverGlobalClusterCommand({
        GlobalClusterIdentifier: id,
        TargetDbClusterIdentifier: targetArn,
        AllowDataLoss: true,
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async removeFromGlobalCluster({ id, clusterArn }, signal) {
      const deed = {
        operation: 'rds:RemoveFromGlobalCluster',
        to: `remove '${clusterArn}' from global cluster '${id}'`,
      }
      const command = new RemoveFromGlobalClusterCommand({
        GlobalClusterIdentifier: id,
        DbClusterIdentifier: clusterArn,
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async deleteGlobalCluster(id, signal) {
      const deed = { operation: 'rds:DeleteGlobalCluster', to: `delete global cluster '${id}'` }
      const command = new DeleteGlobalClusterCommand({ GlobalClusterIdentifier: id })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },
  }
}
