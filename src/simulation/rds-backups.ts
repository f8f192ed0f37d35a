import type { RdsBackups, Snapshot, SnapshotKind } from '../runbooks/ports/rds-backups.ts'
import {
  found,
  mustBeAvailable,
  mustBeNew,
  mustFit,
  mustHaveGroups,
  refuse,
  type SimulatedCall,
  usableKey,
} from './checks.ts'
import { DURATIONS, looked, SHOWN_MS } from './durations.ts'
import { addCluster, checkCluster } from './rds-clusters.ts'
import { addInstance, checkInstance } from './rds-instances.ts'
import { struck } from './strikes.ts'
import type { SimulatedSnapshot, World } from './world.ts'

const CALLS = {
  instance: {
    describe: 'DescribeDBSnapshots',
    create: 'CreateDBSnapshot',
    copy: 'CopyDBSnapshot',
    drop: 'DeleteDBSnapshot',
    ending: 'snapshot',
  },
  cluster: {
    describe: 'DescribeDBClusterSnapshots',
    create: 'CreateDBClusterSnapshot',
    copy: 'CopyDBClusterSnapshot',
    drop: 'DeleteDBClusterSnapshot',
    ending: 'cluster-snapshot',
  },
} as const

/** Copies into a region at once; those of one source wait for each other. */
const MOST_COPIES: Readonly<Record<SnapshotKind, number>> = { instance: 20, cluster: 5 }

export function createRdsBackups(world: World, region: string): RdsBackups {
  const state = world.region(region)
  const { time } = world
  const read = <T>(operation: string, signal: AbortSignal, work: () => T) =>
    world.call(`rds:${operation}`, region, 'read', signal, work)
  const change = (operation: string, signal: AbortSignal, work: (call: SimulatedCall) => void) =>
    world.call(`rds:${operation}`, region, 'change', signal, () =>
      work({ operation: `rds:${operation}`, state, world }),
    )

  function shown(snapshot: SimulatedSnapshot | undefined): Snapshot | undefined {
    const seen = looked(world, snapshot)
    if (seen === undefined) return undefined
    const { startMs, lastsMs, ...rest } = seen
    if (rest.status === 'available') return { ...rest, percent: 100 }
    if (startMs === undefined || lastsMs === undefined) return { ...rest, percent: 0 }
    return { ...rest, percent: Math.min(99, Math.floor(((time.nowMs() - startMs) / lastsMs) * 100)) }
  }

  /** Starts what has its turn. */
  function startQueued(kind: SnapshotKind): void {
    const copies = [...state.snapshots.values()].filter(
      (each) => each.kind === kind && each.status === 'copying',
    )
    for (const copy of copies) {
      const running = copies.filter(({ startMs }) => startMs !== undefined)
      if (copy.startMs !== undefined || running.length >= MOST_COPIES[kind]) continue
      if (running.some(({ sourceId }) => sourceId === copy.sourceId)) continue
      begin(copy, DURATIONS.copyPerGib, () => startQueued(kind))
    }
  }

  function begin(snapshot: SimulatedSnapshot, perGib: number, then?: () => void): void {
    const lastsMs = 60_000 + snapshot.gib * perGib
    Object.assign(snapshot, { startMs: time.nowMs(), lastsMs })
    time.after(lastsMs, () => {
      snapshot.status = 'available'
      then?.()
    })
  }

  return {
    snapshot: (kind, id, signal) =>
      read(CALLS[kind].describe, signal, () => shown(state.snapshots.get(`${kind}/${id}`))),
    snapshots: (kind, sourceId, signal) =>
      read(CALLS[kind].describe, signal, () =>
        [...state.snapshots.values()]
          .filter((each) => each.kind === kind && (sourceId === undefined || each.sourceId === sourceId))
          .flatMap((each) => shown(each) ?? []),
      ),
    createSnapshot: ({ kind, id, sourceId, tags }, signal) =>
      change(CALLS[kind].create, signal, (call) => {
        const source = found(
          call,
          kind === 'instance' ? state.instances.get(sourceId) : state.clusters.get(sourceId),
          sourceId,
        )
        mustBeAvailable(call, source)
        mustBeNew(call, state.snapshots.has(`${kind}/${id}`), id)
        mustFit(call, 'ManualSnapshots', state.snapshots.size)
        const { engine, engineVersion, encrypted, kmsKeyArn, masterUser } = source
        const optionGroup = 'optionGroups' in source ? source.optionGroups[0]?.name : undefined
        const snapshot: SimulatedSnapshot = {
          ...{
            kind,
            id,
            sourceId,
            tags,
            engine,
            engineVersion,
            encrypted,
            type: 'manual',
            status: 'creating',
          },
          visibleMs: time.nowMs() + SHOWN_MS,
          arn: `arn:aws:rds:${region}:${world.account}:${CALLS[kind].ending}:${id}`,
          created: time.clock.now(),
          gib: 'storage' in source ? source.storage.gib : 100,
          ...(kmsKeyArn !== undefined && { kmsKeyArn }),
          ...(optionGroup !== undefined && { optionGroup }),
          ...(masterUser !== undefined && { masterUser }),
        }
        state.snapshots.set(`${kind}/${id}`, snapshot)
        begin(snapshot, DURATIONS.snapshotPerGib)
      }),
    copySnapshot: ({ kind, sourceArn, id, kmsKeyArn, optionGroup, tags }, signal) =>
      change(CALLS[kind].copy, signal, (call) => {
        const [, , , from = ''] = sourceArn.split(':')
        if (world.region(from).dead)
          throw struck('unavailable', call.operation, region, `${from} gives no answer`)
        const source = [...world.region(from).snapshots.values()].find(({ arn }) => arn === sourceArn)
        const original = found(call, source, sourceArn)
        mustBeAvailable(call, original)
        mustBeNew(call, state.snapshots.has(`${kind}/${id}`), id)
        mustFit(call, 'ManualSnapshots', state.snapshots.size)
        if (original.encrypted && from !== region && kmsKeyArn === undefined)
          refuse(
            call,
            'invalid',
            'KmsKeyId is required for a copy of an encrypted snapshot from another region',
          )
        if (kind === 'cluster' && !original.encrypted && kmsKeyArn !== undefined)
          refuse(call, 'invalid', 'a copy of an unencrypted cluster snapshot can not be encrypted')
        const key = kmsKeyArn === undefined ? original.kmsKeyArn : usableKey(call, kmsKeyArn)
        mustHaveGroups(call, { ...(optionGroup !== undefined && { optionGroup }) })
        const { startMs: _, lastsMs: __, kmsKeyArn: ___, optionGroup: ____, ...rest } = original
        state.snapshots.set(`${kind}/${id}`, {
          ...{ ...rest, id, tags, type: 'manual', status: 'copying', copyOfArn: sourceArn },
          visibleMs: time.nowMs() + SHOWN_MS,
          arn: `arn:aws:rds:${region}:${world.account}:${CALLS[kind].ending}:${id}`,
          encrypted: key !== undefined,
          ...(key !== undefined && { kmsKeyArn: key }),
          ...(optionGroup !== undefined && { optionGroup }),
        })
        startQueued(kind)
      }),
    deleteSnapshot: (kind, id, signal) =>
      change(CALLS[kind].drop, signal, (call) => {
        found(call, state.snapshots.get(`${kind}/${id}`), id)
        state.snapshots.delete(`${kind}/${id}`)
        startQueued(kind)
      }),
    restoreInstance: (input, signal) =>
      change('RestoreDBInstanceFromDBSnapshot', signal, (call) => {
        const snapshot = found(call, state.snapshots.get(`instance/${input.snapshotId}`), input.snapshotId)
        mustBeAvailable(call, snapshot)
        checkInstance(call, input)
        const { engine, engineVersion, encrypted, kmsKeyArn, masterUser, gib } = snapshot
        const seed = { ...input, engine, engineVersion, encrypted, kmsKeyArn, masterUser }
        addInstance(
          call,
          { ...seed, storage: { type: 'gp3', gib }, backupRetentionDays: 1 },
          DURATIONS.restore,
        )
      }),
    restoreCluster: (input, signal) =>
      change('RestoreDBClusterFromSnapshot', signal, (call) => {
        const snapshot = found(call, state.snapshots.get(`cluster/${input.snapshotId}`), input.snapshotId)
        mustBeAvailable(call, snapshot)
        checkCluster(call, input)
        const kmsKeyArn =
          input.kmsKeyArn === undefined ? snapshot.kmsKeyArn : usableKey(call, input.kmsKeyArn)
        const { engineVersion, masterUser } = snapshot
        const seed = { ...input, engineVersion, kmsKeyArn, masterUser, encrypted: kmsKeyArn !== undefined }
        addCluster(call, { ...seed, backupRetentionDays: 1 }, DURATIONS.restore)
      }),
    replicatedBackups: (signal) =>
      read('DescribeDBInstanceAutomatedBackups', signal, () => [...state.backups.values()]),
    startBackupReplication: ({ instanceArn, retentionDays, kmsKeyArn }, signal) =>
      change('StartDBInstanceAutomatedBackupsReplication', signal, (call) => {
        const [, , , from = '', , , id = ''] = instanceArn.split(':')
        const source = found(call, world.region(from).instances.get(id), id)
        mustBeNew(
          call,
          [...state.backups.values()].some((each) => each.instanceArn === instanceArn),
          id,
        )
        if (state.backups.size >= 20) refuse(call, 'quota', '20 replicated backups')
        if (source.encrypted && kmsKeyArn === undefined) refuse(call, 'invalid', 'KmsKeyId is required')
        const arn = `arn:aws:rds:${region}:${world.account}:auto-backup:ab-${id}`
        const { engine, engineVersion, encrypted } = source
        const backup = {
          ...{
            arn,
            instanceId: id,
            region: from,
            instanceArn,
            engine,
            engineVersion,
            encrypted,
            retentionDays,
          },
          status: 'creating',
          gib: source.storage.gib,
          ...(kmsKeyArn !== undefined && { kmsKeyArn: usableKey(call, kmsKeyArn) }),
        }
        state.backups.set(arn, backup)
        source.backupReplications = [...source.backupReplications, arn]
        time.after(DURATIONS.backupReplication, () => {
          Object.assign(backup, { status: 'active', earliest: time.clock.now(), latest: time.clock.now() })
        })
      }),
    stopBackupReplication: (instanceArn, signal) =>
      change('StopDBInstanceAutomatedBackupsReplication', signal, (call) => {
        const backup = [...state.backups.values()].find((each) => each.instanceArn === instanceArn)
        found(call, backup, instanceArn).status = 'retained'
      }),
    restoreReplicatedBackup: (input, signal) =>
      change('RestoreDBInstanceToPointInTime', signal, (call) => {
        const backup = found(call, state.backups.get(input.backupArn), input.backupArn)
        const { earliest, latest, at } = { ...backup, at: input.at }
        if (latest === undefined || earliest === undefined)
          refuse(call, 'busy', `${backup.arn} is ${backup.status}`)
        if (at !== undefined && (at < earliest || at > latest))
          refuse(call, 'invalid', `restorable is ${earliest.toISOString()} to ${latest.toISOString()}`)
        checkInstance(call, input)
        const { engine, engineVersion, encrypted, kmsKeyArn, gib } = backup
        const seed = { ...input, engine, engineVersion, encrypted, kmsKeyArn }
        addInstance(
          call,
          { ...seed, storage: { type: 'gp3', gib }, backupRetentionDays: 1 },
          DURATIONS.restore,
        )
      }),
  }
}
