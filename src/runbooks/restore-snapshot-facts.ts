import { LifeboatError } from '../core/errors.ts'
import { findGroups, ownGroup } from './landing.ts'
import type { Snapshot, SnapshotKind } from './ports/rds-backups.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import {
  instanceGroupOf,
  modelOfInventory,
  type RestoreLandingOptions,
  settleLanding,
} from './restore-landing.ts'
import type { SourceModel } from './source-model.ts'

export interface RestoreSnapshotOptions extends RestoreLandingOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  /** An id in the target region, or null for the newest that came from the source. */
  readonly snapshot: string | null
  readonly kmsKey: string | null
  readonly acceptUnencrypted: boolean
}

/** What the plan depends on: asked once, of the target region and an inventory, kept in the journal. */
export interface RestoreSnapshotFacts {
  readonly account: string
  readonly kind: SnapshotKind
  readonly snapshotId: string
  readonly snapshotArn: string
  readonly created: string | null
  readonly gib: number
  readonly engine: string
  readonly engineVersion: string
  readonly encrypted: boolean
  /** That it lies under. */
  readonly snapshotKeyArn: string | null
  /** That was named, where it is found. */
  readonly kmsKeyArn: string | null
  readonly optionGroup: string | null
  readonly port: number | null
  /** As the inventory has it. */
  readonly model: SourceModel | null
  /** That the target region has, for a cluster's instances. */
  readonly instanceParameterGroup: string | null
}

export async function gatherRestoreSnapshot(
  options: RestoreSnapshotOptions,
  { source, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<RestoreSnapshotFacts> {
  const close = (reason: string, hint: string) => closed(options, reason, hint)
  const model = await modelOfInventory(options, source, close, signal)
  const landing = settleLanding(options, model)
  const { account } = await iam.caller(signal)
  const snapshot = await choose(options, target, signal)
  const { kind, encrypted } = snapshot
  if (model !== null && model.kind !== kind)
    throw close(
      `snapshot '${snapshot.id}' is of ${a(kind)}, and inventory ${source.inventory} knows ${a(model.kind)} of that name`,
      'Name the right one with --snapshot, or leave out --inventory.',
    )
  // What the snapshot's own database had goes before what an inventory remembers.
  const optionGroup =
    kind === 'cluster' ? null : (options.optionGroup ?? ownGroup(snapshot.optionGroup) ?? landing.optionGroup)
  await findGroups({ ...landing, optionGroup }, kind, target, close, signal)
  if (!encrypted && options.kmsKey === null && !options.acceptUnencrypted) {
    const hint =
      'Name a customer-managed key of the target region with --kms-key; --accept unencrypted goes on without one.'
    throw close('it is not encrypted, and would not be once restored', hint)
  }
  const key = options.kmsKey === null ? undefined : await target.kms.key(options.kmsKey, signal)
  return {
    ...{ account, kind, encrypted, optionGroup, gib: snapshot.gib },
    ...{ snapshotId: snapshot.id, snapshotArn: snapshot.arn },
    ...{ engine: snapshot.engine, engineVersion: snapshot.engineVersion },
    created: snapshot.created?.toISOString() ?? null,
    snapshotKeyArn: snapshot.kmsKeyArn ?? null,
    // A key that is not there is what the first step says.
    kmsKeyArn: key?.arn ?? options.kmsKey,
    port: snapshot.port ?? landing.port,
    model,
    instanceParameterGroup: await instanceGroupOf(model, target, signal),
  }
}

function a(kind: SnapshotKind): string {
  return kind === 'instance' ? 'an instance' : 'a cluster'
}

/**
 * Of two databases of one name in two regions only the source's is meant: a copy says where it came from. One that doesn't has to be
 * named.
 */
async function choose(
  options: RestoreSnapshotOptions,
  { rds, region }: RegionPorts,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { db, source, snapshot: wanted } = options
  const [instances, clusters] = await Promise.all([
    rds.snapshots('instance', db, signal),
    rds.snapshots('cluster', db, signal),
  ])
  const all = [...instances, ...clusters]
  const meant = all.filter(({ id, copyOfArn }) =>
    wanted === null ? copyOfArn?.split(':')[3] === source : id === wanted,
  )
  const [newest] = meant
    .filter(({ status }) => status === 'available')
    .sort((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0))
  if (newest !== undefined) return newest
  const [coming] = meant
  if (coming !== undefined)
    throw closed(
      options,
      `snapshot '${coming.id}' is ${coming.status}`,
      'Wait until it is available, or name another with --snapshot.',
    )
  if (wanted !== null) throw closed(options, `${region} has no snapshot '${wanted}' of it`, hintOf(all))
  throw closed(options, `${region} has no copy of a snapshot from ${source}`, hintOf(all))
}

function hintOf(all: readonly Snapshot[]): string {
  const [other] = all.filter(({ status }) => status === 'available')
  return other === undefined
    ? 'This way is closed: copy-snapshot makes a copy while the source region still answers.'
    : `Name one with --snapshot if it is the right one, for example --snapshot ${other.id}.`
}

function closed({ db }: RestoreSnapshotOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to restore a copy of '${db}': ${reason}`, { hint })
}
