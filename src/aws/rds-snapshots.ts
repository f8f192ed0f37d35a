import {
  CopyDBClusterSnapshotCommand,
  CopyDBSnapshotCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
  DeleteDBClusterSnapshotCommand,
  DeleteDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotsCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { cloudFault } from '../core/cloud-fault.ts'
import type { RdsBackups, Snapshot } from '../runbooks/ports/rds-backups.ts'
import { known } from './answer.ts'
import type { Api, CallOptions } from './api.ts'
import { ifThere } from './if-there.ts'
import { allPages } from './pages.ts'
import { clusterSnapshotOf, snapshotOf } from './rds-backup-shape.ts'
import { tagList } from './tags.ts'

type Snapshots = Pick<
  RdsBackups,
  'snapshot' | 'snapshots' | 'createSnapshot' | 'copySnapshot' | 'deleteSnapshot'
>

export function createSnapshots(api: Api<RDSClient>): Snapshots {
  return {
    async snapshot(kind, id, signal) {
      const isCluster = kind === 'cluster'
      const deed = {
        operation: isCluster ? 'rds:DescribeDBClusterSnapshots' : 'rds:DescribeDBSnapshots',
        to: `look at snapshot '${id}'`,
      }
      const found = await ifThere(
        api.call(deed, signal, async (rds, at) =>
          isCluster ? await clusterSnapshots(rds, { id }, at) : await instanceSnapshots(rds, { id }, at),
        ),
      )
      return found?.[0]
    },

    async snapshots(kind, sourceId, signal) {
      const isCluster = kind === 'cluster'
      const deed = {
        operation: isCluster ? 'rds:DescribeDBClusterSnapshots' : 'rds:DescribeDBSnapshots',
        to: `list the snapshots ${sourceId === undefined ? `in ${api.region}` : `of '${sourceId}' in ${api.region}`}`,
      }
      const found = await ifThere(
        api.call(deed, signal, async (rds, at) =>
          isCluster
            ? await clusterSnapshots(rds, { sourceId }, at)
            : await instanceSnapshots(rds, { sourceId }, at),
        ),
      )
      return found ?? []
    },

    async createSnapshot({ kind, id, sourceId, tags }, signal) {
      const to = `create snapshot '${id}' of '${sourceId}'`
      const Tags = tagList(tags)
      if (kind === 'cluster') {
        const command = new CreateDBClusterSnapshotCommand({
          DBClusterSnapshotIdentifier: id,
          DBClusterIdentifier: sourceId,
          Tags,
        })
        const deed = { operation: 'rds:CreateDBClusterSnapshot', to }
        await api.call(deed, signal, (rds, at) => rds.send(command, at))
        return
      }
      const command = new CreateDBSnapshotCommand({
        DBSnapshotIdentifier: id,
        DBInstanceIdentifier: sourceId,
        Tags,
      })
      await api.call({ operation: 'rds:CreateDBSnapshot', to }, signal, (rds, at) => rds.send(command, at))
    },

    async copySnapshot({ kind, sourceArn, id, kmsKeyArn, optionGroup, tags }, signal) {
      const to = `copy snapshot '${sourceArn}' to ${api.region}`
      const common = { Tags: tagList(tags), ...known({ KmsKeyId: kmsKeyArn }) }
      if (kind === 'cluster') {
        const operation = 'rds:CopyDBClusterSnapshot'
        if (optionGroup !== undefined) {
          throw cloudFault(
            'invalid',
            `unable to ${to}: a cluster's snapshot takes no option group`,
            { operation, region: api.region },
            { hint: 'Leave the option group out: clusters have none.' },
          )
        }
        const command = new CopyDBClusterSnapshotCommand({
          ...common,
          SourceDBClusterSnapshotIdentifier: sourceArn,
          TargetDBClusterSnapshotIdentifier: id,
        })
        await api.call({ operation, to }, signal, (rds, at) => rds.send(command, at))
        return
      }
      const command = new CopyDBSnapshotCommand({
        ...common,
        SourceDBSnapshotIdentifier: sourceArn,
        TargetDBSnapshotIdentifier: id,
        ...known({ OptionGroupName: optionGroup }),
      })
      await api.call({ operation: 'rds:CopyDBSnapshot', to }, signal, (rds, at) => rds.send(command, at))
    },

    async deleteSnapshot(kind, id, signal) {
      const to = `delete snapshot '${id}'`
      if (kind === 'cluster') {
        const command = new DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: id })
        const deed = { operation: 'rds:DeleteDBClusterSnapshot', to }
        await api.call(deed, signal, (rds, at) => rds.send(command, at))
        return
      }
      const command = new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: id })
      await api.call({ operation: 'rds:DeleteDBSnapshot', to }, signal, (rds, at) => rds.send(command, at))
    },
  }
}

interface Which {
  readonly id?: string
  readonly sourceId?: string | undefined
}

function instanceSnapshots(rds: RDSClient, { id, sourceId }: Which, at: CallOptions): Promise<Snapshot[]> {
  return allPages(async (Marker) => {
    const which = { DBSnapshotIdentifier: id, DBInstanceIdentifier: sourceId, Marker, MaxRecords: 100 }
    const page = await rds.send(new DescribeDBSnapshotsCommand(which), at)
    return { items: page.DBSnapshots?.map(snapshotOf), next: page.Marker }
  })
}

function clusterSnapshots(rds: RDSClient, { id, sourceId }: Which, at: CallOptions): Promise<Snapshot[]> {
  return allPages(async (Marker) => {
    const which = { DBClusterSnapshotIdentifier: id, DBClusterIdentifier: sourceId, Marker, MaxRecords: 100 }
    const page = await rds.send(new DescribeDBClusterSnapshotsCommand(which), at)
    return { items: page.DBClusterSnapshots?.map(clusterSnapshotOf), next: page.Marker }
  })
}
