import { LifeboatError } from '../core/errors.ts'
import { findGroups, ownGroup } from './landing.ts'
import type { ReplicatedBackup } from './ports/rds-backups.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import { modelOfInventory, type RestoreLandingOptions, settleLanding } from './restore-landing.ts'
import type { SourceModel } from './source-model.ts'

export interface RestoreReplicatedBackupOptions extends RestoreLandingOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  /** A moment, or null for the latest there is. */
  readonly at: string | null
  readonly acceptUnencrypted: boolean
}

/** What the plan depends on: asked once, of the target region and an inventory, kept in the journal. */
export interface RestoreReplicatedBackupFacts {
  readonly account: string
  readonly backupArn: string
  readonly earliest: string
  readonly latest: string
  readonly gib: number
  readonly engine: string
  readonly engineVersion: string
  readonly encrypted: boolean
  readonly kmsKeyArn: string | null
  /** Of the target region. */
  readonly optionGroup: string | null
  /** Which the source had, and the target region has not. */
  readonly missingOptionGroup: string | null
  /** As the inventory has it. */
  readonly model: SourceModel | null
}

export async function gatherReplicatedBackup(
  options: RestoreReplicatedBackupOptions,
  { source: old, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<RestoreReplicatedBackupFacts> {
  const close = (reason: string, hint: string) => closed(options, reason, hint)
  const model = await modelOfInventory(options, old, close, signal)
  const landing = settleLanding(options, model)
  const { account } = await iam.caller(signal)
  const { backup, earliest, latest } = await choose(options, target, signal)
  const { engine, engineVersion, encrypted, gib } = backup
  if (!encrypted && !options.acceptUnencrypted) {
    const hint =
      'A restore can not encrypt it: copy-snapshot and restore-snapshot can, with --kms-key; --accept unencrypted goes on.'
    throw closed(options, 'the backups are not encrypted', hint)
  }
  // Which option group it had the backup knows, and whether that is here.
  await findGroups({ ...landing, optionGroup: options.optionGroup }, 'instance', target, close, signal)
  const source = ownGroup(backup.optionGroup)
  const isThere = source !== null && (await target.rds.optionGroup(source, signal)) !== undefined
  return {
    ...{ account, backupArn: backup.arn, gib, engine, engineVersion, encrypted },
    ...{ earliest: earliest.toISOString(), latest: latest.toISOString() },
    kmsKeyArn: backup.kmsKeyArn ?? null,
    optionGroup: options.optionGroup ?? (isThere ? source : null),
    missingOptionGroup: options.optionGroup === null && !isThere ? source : null,
    model,
  }
}

async function choose(
  options: RestoreReplicatedBackupOptions,
  { rds, region }: RegionPorts,
  signal: AbortSignal,
): Promise<{ readonly backup: ReplicatedBackup; readonly earliest: Date; readonly latest: Date }> {
  const { db, source, at } = options
  const all = (await rds.replicatedBackups(signal)).filter(
    (each) => each.instanceId === db && each.region === source,
  )
  // Of a database that was deleted and made anew there are two: what goes on counts more than what was kept.
  const [backup] = all.toSorted(
    (a, b) =>
      Number(b.status === 'active') - Number(a.status === 'active') || time(b.latest) - time(a.latest),
  )
  if (backup === undefined) {
    const hint = `This way is closed, unless --db is written otherwise in ${source}; restore-snapshot takes a copy of a snapshot.`
    throw closed(options, `${region} has no replicated backups of it from ${source}`, hint)
  }
  const { earliest, latest, status } = backup
  if (earliest === undefined || latest === undefined)
    throw closed(
      options,
      `its replicated backups are ${status}: there is nothing to restore yet`,
      'Wait for the first one, or take another way.',
    )
  const moment = at === null ? latest : new Date(at)
  if (moment < earliest || moment > latest) {
    const window = `${earliest.toISOString()} to ${latest.toISOString()}`
    throw closed(
      options,
      `${at} is not within ${window}`,
      'Give a --restore-time in there, or leave it out for the latest.',
    )
  }
  return { backup, earliest, latest }
}

function time(moment: Date | undefined): number {
  return moment?.getTime() ?? 0
}

function closed({ db }: RestoreReplicatedBackupOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to restore backups of '${db}': ${reason}`, { hint })
}
