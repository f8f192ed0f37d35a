import { beforeAll, describe, expect, test } from 'vitest'
import type { RdsInstance } from '../../src/runbooks/ports/rds.ts'
import type { RegionPorts } from '../../src/runbooks/ports.ts'
import { type CloudSuite, fresh, type LandingZone, land, TAGS, until } from './cloud-suite.ts'
import { fails } from './cloud-suite-services.ts'

/** Instances, their groups, snapshots, copies, restores and replicas. */
export function describeCloudInstances({ cloud, departs }: CloudSuite): void {
  const { signal } = new AbortController()

  describe('rds instances', () => {
    let source: RegionPorts
    let target: RegionPorts
    let here: LandingZone
    let there: LandingZone
    let db: string

    const seen = (region: RegionPorts, id: string) =>
      until(
        cloud(),
        () => region.rds.instance(id, signal),
        ({ status, endpoint }) => status === 'available' && endpoint !== undefined,
      )
    const settings = (zone: LandingZone) => ({
      instanceClass: cloud().instance.instanceClass,
      subnetGroup: zone.subnetGroup,
      securityGroups: [zone.securityGroup],
      multiAz: false,
      publiclyAccessible: false,
      deletionProtection: false,
    })
    const settled = (kind: 'instance' | 'cluster', region: RegionPorts, id: string) =>
      until(
        cloud(),
        () => region.rds.snapshot(kind, id, signal),
        ({ status }) => status === 'available',
      )

    beforeAll(async () => {
      source = cloud().ports.source
      target = cloud().ports.target
      here = await land(source, TAGS, signal)
      there = await land(target, TAGS, signal)
      db = fresh('shop')
      const { engine, engineVersion } = cloud().instance
      await source.rds.createInstance(
        {
          ...settings(here),
          id: db,
          engine,
          engineVersion,
          storage: { type: 'gp3', gib: 20 },
          masterUser: 'captain',
          databaseName: 'shop',
          kmsKeyArn: here.key,
          backupRetentionDays: 3,
          iamAuthentication: true,
          port: 3307,
          tags: TAGS,
        },
        signal,
      )
      await seen(source, db)
    })

    test('an instance is as it was asked for', async () => {
      const found = await seen(source, db)
      const { engine, engineVersion, instanceClass } = cloud().instance
      expect(found).toMatchObject({
        id: db,
        arn: expect.stringMatching(new RegExp(`^arn:aws:rds:${source.region}:\\d{12}:db:${db}$`)),
        ...{ engine, engineVersion, instanceClass },
        storage: { type: 'gp3', gib: 20 },
        endpoint: { host: expect.stringContaining(db), port: 3307 },
        subnetGroup: here.subnetGroup,
        securityGroups: [here.securityGroup],
        encrypted: true,
        kmsKeyArn: here.key,
        multiAz: false,
        publiclyAccessible: false,
        backupRetentionDays: 3,
        masterUser: 'captain',
        databaseName: 'shop',
        tags: TAGS,
      } satisfies { [Name in keyof RdsInstance]?: unknown })
      expect(found.replicaOf).toBeUndefined()
      expect((await source.rds.instances(signal)).map(({ id }) => id)).toContain(db)
    })

    test('without a key it is encrypted all the same', async () => {
      const id = fresh('plain')
      const { engine, engineVersion } = cloud().instance
      await target.rds.createInstance(
        {
          ...{ ...settings(there), id, engine, engineVersion, storage: { type: 'gp3', gib: 20 } },
          ...{ masterUser: 'captain', backupRetentionDays: 1, tags: TAGS },
        },
        signal,
      )
      expect(await seen(target, id)).toMatchObject({ encrypted: true })
    })

    test('a role, with what it is for, and only once', async () => {
      const role = 'arn:aws:iam::111122223333:role/import'
      const given = { kind: 'instance', id: db, role, feature: 's3Import' } as const
      await source.rds.addRole(given, signal)
      expect(await seen(source, db)).toMatchObject({
        ...{ roles: [role], roleFeatures: [{ role, feature: 's3Import' }] },
      })
      await fails('exists', source.rds.addRole(given, signal))
      await fails('not-found', source.rds.addRole({ ...given, id: 'none' }, signal))
    })

    test('what is not there, and what is there already', async () => {
      const { rds } = source
      expect(await rds.instance('none', signal)).toBeUndefined()
      expect(await target.rds.instance(db, signal)).toBeUndefined()
      expect(await rds.snapshot('instance', 'none', signal)).toBeUndefined()
      expect(await rds.snapshot('cluster', 'none', signal)).toBeUndefined()
      expect(await rds.snapshots('instance', 'none', signal)).toEqual([])
      expect(await rds.subnetGroup('none', signal)).toBeUndefined()
      expect(await rds.parameterGroup('instance', 'none', signal)).toBeUndefined()
      expect(await rds.parameterGroup('cluster', 'none', signal)).toBeUndefined()
      expect(await rds.optionGroup('none', signal)).toBeUndefined()
      await fails('not-found', rds.deleteInstance('none', signal))
      await fails('not-found', rds.modifyInstance('none', { backupRetentionDays: 1 }, signal))
      await fails('not-found', rds.modifyInstance('none', { logExports: ['error'] }, signal))
      await fails('not-found', rds.deleteSnapshot('instance', 'none', signal))
      const again = { kind: 'instance', id: 'x', sourceId: 'none', tags: {} } as const
      await fails('not-found', rds.createSnapshot(again, signal))
    })

    test('a change shows, and log exports are set as a whole', async () => {
      await source.rds.modifyInstance(
        db,
        { backupRetentionDays: 7, logExports: ['error', 'general'] },
        signal,
      )
      const first = await until(
        cloud(),
        () => source.rds.instance(db, signal),
        (found) => found.status === 'available' && found.backupRetentionDays === 7,
      )
      expect([...first.logExports].sort()).toEqual(['error', 'general'])
      await source.rds.modifyInstance(db, { logExports: ['error', 'slowquery'] }, signal)
      await until(
        cloud(),
        () => source.rds.instance(db, signal),
        ({ status, logExports }) =>
          status === 'available' && [...logExports].sort().join() === 'error,slowquery',
      )
    })

    test('a snapshot goes to the other region, under its key, and becomes an instance there', async () => {
      const first = fresh('before')
      const copy = fresh('copy')
      const restored = fresh('restored')
      await source.rds.createSnapshot({ kind: 'instance', id: first, sourceId: db, tags: TAGS }, signal)
      const snapshot = await settled('instance', source, first)
      expect(snapshot).toMatchObject({
        ...{ kind: 'instance', id: first, sourceId: db, type: 'manual', encrypted: true },
        ...{
          engine: cloud().instance.engine,
          gib: 20,
          kmsKeyArn: here.key,
          masterUser: 'captain',
          tags: TAGS,
        },
      })
      await fails(
        'exists',
        source.rds.createSnapshot({ kind: 'instance', id: first, sourceId: db, tags: TAGS }, signal),
      )
      const order = { kind: 'instance', sourceArn: snapshot.arn, id: copy, tags: TAGS } as const
      if (!departs('copies-without-key')) await fails('invalid', target.rds.copySnapshot(order, signal))
      await fails('key', target.rds.copySnapshot({ ...order, kmsKeyArn: here.key }, signal))
      await target.rds.copySnapshot({ ...order, kmsKeyArn: there.key }, signal)
      const across = await settled('instance', target, copy)
      expect(across).toMatchObject({
        id: copy,
        sourceId: db,
        encrypted: true,
        kmsKeyArn: there.key,
        tags: TAGS,
      })
      expect(across.arn).toContain(`:${target.region}:`)
      expect((await target.rds.snapshots('instance', db, signal)).map(({ id }) => id)).toContain(copy)
      expect((await target.rds.snapshots('instance', undefined, signal)).map(({ id }) => id)).toContain(copy)
      await fails('exists', target.rds.copySnapshot({ ...order, kmsKeyArn: there.key }, signal))

      await target.rds.restoreInstance(
        { ...settings(there), id: restored, snapshotId: copy, tags: TAGS },
        signal,
      )
      const instance = await seen(target, restored)
      expect(instance).toMatchObject({ id: restored, encrypted: true, publiclyAccessible: false, tags: TAGS })
      if (!departs('forgets-groups')) {
        expect(instance).toMatchObject({
          subnetGroup: there.subnetGroup,
          securityGroups: [there.securityGroup],
          kmsKeyArn: there.key,
        })
      }
      await target.rds.deleteInstance(restored, signal)
      await target.rds.deleteSnapshot('instance', copy, signal)
      expect(await target.rds.snapshot('instance', copy, signal)).toBeUndefined()
    })

    test('a replica in the other region follows, is promoted, and stands by itself', async () => {
      const id = fresh('replica')
      const { arn } = await seen(source, db)
      const { instanceClass, ...rest } = settings(there)
      const groups = departs('replica-without-groups') ? {} : rest
      await target.rds.createReplica(
        { ...groups, instanceClass, id, sourceArn: arn, kmsKeyArn: there.key, tags: TAGS },
        signal,
      )
      const replica = await seen(target, id)
      expect(replica.replicaOf).toContain(db)
      expect(replica.tags).toEqual(TAGS)
      if (!departs('hides-replicas')) {
        expect((await source.rds.instance(db, signal))?.replicas).toContain(replica.arn)
      }
      await target.rds.promoteReplica({ id, backupRetentionDays: 5, backupWindow: '03:00-03:30' }, signal)
      if (!departs('promotes-by-name-only')) {
        await until(
          cloud(),
          () => target.rds.instance(id, signal),
          ({ status, replicaOf }) => status === 'available' && replicaOf === undefined,
        )
        await fails('invalid', target.rds.promoteReplica({ id, backupRetentionDays: 5 }, signal))
      }
      expect(await seen(target, id)).toMatchObject({ backupRetentionDays: 5, backupWindow: '03:00-03:30' })
      await target.rds.rebootInstance(id, signal)
      await seen(target, id)
    })

    test('subnet groups have their VPC and zones', async () => {
      const group = await target.rds.subnetGroup(there.subnetGroup, signal)
      expect(group?.description).toBe('landing zone')
      expect(new Set(group?.subnets.map(({ zone }) => zone)).size).toBeGreaterThan(1)
      expect((await target.ec2.vpcs(signal)).map(({ id }) => id)).toContain(group?.vpcId)
      expect(await target.rds.subnetGroups(signal)).toContainEqual(group)
      const again = {
        name: there.subnetGroup,
        description: 'x',
        subnetIds: group?.subnets.map(({ id }) => id) ?? [],
      }
      if (departs('replaces-subnet-groups')) return
      await fails('exists', target.rds.createSubnetGroup({ ...again, tags: {} }, signal))
    })

    test.each(['instance', 'cluster'] as const)('a parameter group (%s) keeps what is set', async (of) => {
      const { rds } = target
      const { family } = of === 'instance' ? cloud().instance : cloud().cluster
      const group = { of, name: fresh('tuned'), family, description: 'tuned', tags: TAGS }
      await rds.createParameterGroup(group, signal)
      // More than RDS takes at once.
      const parameters = Array.from({ length: 45 }, (_, index) => ({
        name: `parameter_${String(index).padStart(2, '0')}`,
        value: String(index),
        apply: index % 2 === 0 ? ('immediate' as const) : ('pending-reboot' as const),
      }))
      await rds.setParameters(of, group.name, parameters, signal)
      const found = await rds.parameterGroup(of, group.name, signal)
      expect(found).toMatchObject({ name: group.name, family, description: 'tuned' })
      expect([...(found?.parameters ?? [])].sort((a, b) => a.name.localeCompare(b.name))).toEqual(parameters)
      expect((await rds.parameterGroups(of, signal)).map(({ name }) => name)).toContain(group.name)
      await fails('exists', rds.createParameterGroup(group, signal))
    })

    test('an option group is made and found', async () => {
      const { rds } = target
      const group = {
        ...{ name: fresh('options'), engine: cloud().instance.engine, majorVersion: '8.0' },
        ...{ description: 'options', tags: TAGS },
      }
      await rds.createOptionGroup(group, signal)
      const { tags: _, ...expected } = group
      expect(await rds.optionGroup(group.name, signal)).toMatchObject({ ...expected, options: [] })
      if (departs('no-list-of-option-groups')) return
      expect((await rds.optionGroups(signal)).map(({ name }) => name)).toContain(group.name)
    })

    test.skipIf(departs('no-offers'))('what can be had, and how much of it', async () => {
      const { engine, engineVersion, instanceClass, family } = cloud().instance
      const [offer] = await target.rds.orderable({ engine, engineVersion, instanceClass }, signal)
      expect(offer).toMatchObject({ instanceClass })
      expect(offer?.zones.length).toBeGreaterThan(0)
      expect(await target.rds.orderable({ engine, engineVersion, instanceClass: 'db.none' }, signal)).toEqual(
        [],
      )
      expect(await target.rds.engineVersions(engine, signal)).toContainEqual({
        version: engineVersion,
        family,
      })
      expect((await target.rds.quotas(signal)).map(({ name }) => name)).toContain('DBInstances')
    })
  })
}
