import { beforeAll, describe, expect, test } from 'vitest'
import type { RegionPorts } from '../../src/runbooks/ports.ts'
import { type CloudSuite, fresh, type LandingZone, land, TAGS, until } from './cloud-suite.ts'
import { fails } from './cloud-suite-services.ts'

/** Clusters of Aurora, their snapshots, and global clusters. */
export function describeCloudClusters({ cloud, departs }: CloudSuite): void {
  const { signal } = new AbortController()

  describe('rds clusters', () => {
    let source: RegionPorts
    let target: RegionPorts
    let here: LandingZone
    let there: LandingZone
    let db: string

    const seen = (region: RegionPorts, id: string) =>
      until(
        cloud(),
        () => region.rds.cluster(id, signal),
        ({ status }) => status === 'available',
      )
    const settings = (zone: LandingZone) => ({
      subnetGroup: zone.subnetGroup,
      securityGroups: [zone.securityGroup],
      deletionProtection: false,
    })

    beforeAll(async () => {
      source = cloud().ports.source
      target = cloud().ports.target
      here = await land(source, TAGS, signal)
      there = await land(target, TAGS, signal)
      db = fresh('orders')
      const { engine, engineVersion, instanceClass } = cloud().cluster
      await source.rds.createCluster(
        {
          ...settings(here),
          ...{ id: db, engine, engineVersion, masterUser: 'captain', databaseName: 'orders' },
          ...{ kmsKeyArn: here.key, backupRetentionDays: 3, tags: TAGS },
        },
        signal,
      )
      await seen(source, db)
      await source.rds.createClusterInstance(
        { id: `${db}-1`, clusterId: db, engine, instanceClass, publiclyAccessible: false, tags: TAGS },
        signal,
      )
      await until(
        cloud(),
        () => source.rds.instance(`${db}-1`, signal),
        ({ status }) => status === 'available',
      )
    })

    test('a cluster is as it was asked for, and has its instance', async () => {
      const found = await seen(source, db)
      const { engine, engineVersion } = cloud().cluster
      expect(found).toMatchObject({
        ...{ id: db, engine, engineVersion, encrypted: true, kmsKeyArn: here.key },
        arn: expect.stringMatching(new RegExp(`^arn:aws:rds:${source.region}:\\d{12}:cluster:${db}$`)),
        members: [{ instanceId: `${db}-1`, writer: true }],
        port: 3306,
        writerHost: expect.stringContaining(db),
        readerHost: expect.stringContaining(db),
        subnetGroup: here.subnetGroup,
        securityGroups: [here.securityGroup],
        backupRetentionDays: 3,
        masterUser: 'captain',
        databaseName: 'orders',
        tags: TAGS,
      })
      expect((await source.rds.instance(`${db}-1`, signal))?.clusterId).toBe(db)
      expect((await source.rds.clusters(signal)).map(({ id }) => id)).toContain(db)
      expect(await source.rds.cluster('none', signal)).toBeUndefined()
      expect(await source.rds.globalCluster('none', signal)).toBeUndefined()
      await fails('not-found', source.rds.deleteCluster('none', signal))
    })

    test('a role, with what it is for, and only once', async () => {
      const role = 'arn:aws:iam::111122223333:role/import'
      const given = { kind: 'cluster', id: db, role, feature: 's3Import' } as const
      await source.rds.addRole(given, signal)
      expect(await seen(source, db)).toMatchObject({
        ...{ roles: [role], roleFeatures: [{ role, feature: 's3Import' }] },
      })
      await fails('exists', source.rds.addRole(given, signal))
      await fails('not-found', source.rds.addRole({ ...given, id: 'none' }, signal))
    })

    test('a snapshot goes to the other region and becomes a cluster without instances there', async () => {
      const first = fresh('before')
      const copy = fresh('copy')
      const restored = fresh('restored')
      const settled = (region: RegionPorts, id: string) =>
        until(
          cloud(),
          () => region.rds.snapshot('cluster', id, signal),
          ({ status }) => status === 'available',
        )
      await source.rds.createSnapshot({ kind: 'cluster', id: first, sourceId: db, tags: TAGS }, signal)
      const snapshot = await settled(source, first)
      expect(snapshot).toMatchObject({
        ...{ kind: 'cluster', id: first, sourceId: db, type: 'manual', encrypted: true, kmsKeyArn: here.key },
      })
      await target.rds.copySnapshot(
        { kind: 'cluster', sourceArn: snapshot.arn, id: copy, kmsKeyArn: there.key, tags: TAGS },
        signal,
      )
      const across = await settled(target, copy)
      expect(across).toMatchObject({ kind: 'cluster', id: copy, sourceId: db, kmsKeyArn: there.key })
      expect(await target.rds.snapshots('cluster', db, signal)).toContainEqual(across)
      if (!departs('no-cluster-restore')) {
        const { engine } = cloud().cluster
        await target.rds.restoreCluster(
          { ...settings(there), id: restored, snapshotId: copy, engine, kmsKeyArn: there.key, tags: TAGS },
          signal,
        )
        const found = await seen(target, restored)
        expect(found).toMatchObject({ id: restored, members: [], encrypted: true })
        expect(found.tags).toEqual(TAGS)
        await target.rds.deleteCluster(restored, signal)
      }
      await target.rds.deleteSnapshot('cluster', copy, signal)
      expect(await target.rds.snapshot('cluster', copy, signal)).toBeUndefined()
    })

    test('a global cluster is made around a cluster, and let go of', async () => {
      const id = fresh('world')
      const { arn } = await seen(source, db)
      await source.rds.createGlobalCluster({ id, primaryArn: arn, tags: TAGS }, signal)
      const found = await until(
        cloud(),
        () => source.rds.globalCluster(id, signal),
        ({ members }) => members.length === 1,
      )
      expect(found).toMatchObject({
        id,
        engine: cloud().cluster.engine,
        members: [{ clusterArn: arn, region: source.region }],
      })
      if (!departs('no-global-writer')) expect(found.members[0]?.writer).toBe(true)
      expect(found.failover).toBeUndefined()
      expect(await source.rds.globalClusters(signal)).toContainEqual(found)
      await source.rds.removeFromGlobalCluster({ id, clusterArn: arn }, signal)
      await until(
        cloud(),
        () => source.rds.globalCluster(id, signal),
        ({ members }) => members.length === 0,
      )
      await source.rds.deleteGlobalCluster(id, signal)
      await until(
        cloud(),
        async () => ({ gone: (await source.rds.globalCluster(id, signal)) === undefined }),
        ({ gone }) => gone,
      )
    })
  })
}
