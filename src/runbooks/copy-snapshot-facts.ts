import { LifeboatError } from '../core/errors.ts'
import type { CopySnapshotOptions } from './copy-snapshot-options.ts'
import { findGroups, ownGroup } from './landing.ts'
import type { Snapshot, SnapshotKind } from './ports/rds-backups.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'

/** What the plan depends on: asked once, kept in the journal. */
export interface CopySnapshotFacts {
  readonly account: string
  /** Of the caller; absent in journals from before it was kept. */
  readonly partition?: string
  readonly kind: SnapshotKind
  /** Null where a new one is to be taken. */
  readonly snapshot: { readonly arn: string; readonly created: string | null } | null
  readonly gib: number
  readonly engine: string
  readonly engineVersion: string
  readonly encrypted: boolean
  readonly sourceKeyArn: string | null
  /** In the target region, each found there. */
  readonly kmsKeyArn: string | null
  readonly subnetGroup: string
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly instanceClass: string
  /** Of a cluster; 0 for an instance. */
  readonly instances: number
  readonly multiAz: boolean
  readonly port: number | null
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly backupRetentionDays: number
}

export async function gatherCopySnapshot(
  options: CopySnapshotOptions,
  { source, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<CopySnapshotFacts> {
  const { db } = options
  const { account, partition } = await iam.caller(signal)
  const database = await describe(db, source, signal)
  const snapshot =
    options.snapshot === 'new' ? undefined : await choose(options, database.kind, source, signal)
  const key = options.kmsKey === null ? undefined : await target.kms.key(options.kmsKey, signal)
  const groups = {
    subnetGroup: options.subnetGroup ?? database.subnetGroup ?? '',
    securityGroups: options.securityGroups,
    parameterGroup: options.parameterGroup ?? database.parameterGroup,
    optionGroup: options.optionGroup ?? database.optionGroup,
  }
  await findGroups(groups, database.kind, target, (reason, hint) => closed(options, reason, hint), signal)
  const encrypted = snapshot?.encrypted ?? database.encrypted
  if (encrypted && options.kmsKey === null) {
    throw closed(options, 'it is encrypted, and no key of the target region was named', KEY_HINT)
  }
  if (!encrypted) refuseUnencrypted(options, database.kind)
  return {
    ...{ ...database, account, partition, encrypted, subnetGroup: groups.subnetGroup },
    ...{ parameterGroup: groups.parameterGroup, optionGroup: groups.optionGroup },
    snapshot:
      snapshot === undefined ? null : { arn: snapshot.arn, created: snapshot.created?.toISOString() ?? null },
    gib: snapshot?.gib ?? database.gib,
    // A key that is not there is what the first step says.
    kmsKeyArn: key?.arn ?? options.kmsKey,
  }
}

const KEY_HINT = 'Name a customer-managed key of the target region with --kms-key.'

function refuseUnencrypted(options: CopySnapshotOptions, kind: SnapshotKind): void {
  if (options.kmsKey === null) {
    if (options.acceptUnencrypted) return
    const hint = `${KEY_HINT} --accept unencrypted goes on without one.`
    throw closed(options, 'it is not encrypted, and would not be in the target region', hint)
  }
  // "You can't encrypt an unencrypted Aurora DB cluster snapshot": only its restore takes a key.
  if (kind === 'cluster' && !options.acceptUnencryptedCopy) {
    const hint = '--accept unencrypted-copy goes on: the restored cluster is encrypted.'
    throw closed(options, 'Aurora can not encrypt it while copying', hint)
  }
}

type Database = Omit<
  CopySnapshotFacts,
  'account' | 'partition' | 'snapshot' | 'kmsKeyArn' | 'subnetGroup'
> & {
  readonly subnetGroup: string | null
}

async function describe(db: string, source: RegionPorts, signal: AbortSignal): Promise<Database> {
  const instance = await source.rds.instance(db, signal)
  if (instance !== undefined) {
    return {
      ...{ kind: 'instance', engine: instance.engine, engineVersion: instance.engineVersion },
      ...{ gib: instance.storage.gib, encrypted: instance.encrypted, instanceClass: instance.instanceClass },
      ...{ instances: 0, multiAz: instance.multiAz, port: instance.endpoint?.port ?? null },
      ...{ iamAuthentication: instance.iamAuthentication, logExports: instance.logExports },
      sourceKeyArn: instance.kmsKeyArn ?? null,
      subnetGroup: instance.subnetGroup ?? null,
      parameterGroup: ownGroup(instance.parameterGroups[0]?.name),
      optionGroup: ownGroup(instance.optionGroups[0]?.name),
      backupRetentionDays: instance.backupRetentionDays,
    }
  }
  const cluster = await source.rds.cluster(db, signal)
  if (cluster === undefined) {
    throw new LifeboatError(
      'step-failed',
      `unable to copy a snapshot of '${db}': ${source.region} has no such instance or cluster`,
      {
        hint: 'Check --db and --source; of a database that is gone, restore-snapshot takes a copy that is across already.',
      },
    )
  }
  const writer = cluster.members.find((member) => member.writer)
  const member = writer === undefined ? undefined : await source.rds.instance(writer.instanceId, signal)
  return {
    ...{ kind: 'cluster', engine: cluster.engine, engineVersion: cluster.engineVersion },
    ...{ gib: 0, encrypted: cluster.encrypted, multiAz: cluster.members.length > 1, port: cluster.port },
    ...{ iamAuthentication: cluster.iamAuthentication, logExports: cluster.logExports },
    ...{
      instanceClass: member?.instanceClass ?? 'db.r6g.large',
      instances: Math.max(cluster.members.length, 1),
    },
    sourceKeyArn: cluster.kmsKeyArn ?? null,
    subnetGroup: cluster.subnetGroup ?? null,
    parameterGroup: ownGroup(cluster.parameterGroup),
    optionGroup: null,
    backupRetentionDays: cluster.backupRetentionDays,
  }
}

async function choose(
  options: CopySnapshotOptions,
  kind: SnapshotKind,
  { rds, region }: RegionPorts,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { db, snapshot: wanted } = options
  const all = await rds.snapshots(kind, db, signal)
  const suitable = all
    .filter(({ id, status }) => status === 'available' && (wanted === null || id === wanted))
    .sort((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0))
  const [newest] = suitable
  if (newest !== undefined) return newest
  const reason =
    wanted === null
      ? `${region} has no snapshot of it that is available`
      : `${region} has no snapshot '${wanted}' of it that is available`
  throw closed(options, reason, '--snapshot new takes one first.')
}

function closed({ db }: CopySnapshotOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to copy a snapshot of '${db}': ${reason}`, { hint })
}
