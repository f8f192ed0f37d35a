import { LifeboatError } from '../core/errors.ts'
import { SECURITY_GROUP_HINT } from './landing.ts'
import type { RestoreLandingOptions } from './restore-landing.ts'
import { accepted, need, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export interface CopySnapshotOptions extends RestoreLandingOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  /** An id, `new`, or null for the newest that there is. */
  readonly snapshot: string | null
  readonly kmsKey: string | null

  readonly acceptUnencrypted: boolean
  readonly acceptUnencryptedCopy: boolean
}

export function chooseCopySnapshot(flags: WayFlags): CopySnapshotOptions {
  const dangers = accepted(flags)
  const securityGroups = flags.securityGroup ?? []
  if (securityGroups.length === 0) {
    throw new LifeboatError('usage', 'unable to plan: --security-group is missing', {
      hint: SECURITY_GROUP_HINT,
    })
  }
  return {
    ...needRegions(flags),
    db: needOneDb(flags, 'copy-snapshot'),
    snapshot: flags.snapshot ?? null,
    targetId: flags.targetId === undefined ? null : need(flags.targetId, '--target-id', 'shop'),
    kmsKey: flags.kmsKey ?? null,
    subnetGroup: flags.subnetGroup ?? null,
    securityGroups,
    parameterGroup: flags.parameterGroup ?? null,
    optionGroup: flags.optionGroup ?? null,
    classes: flags.class ?? [],
    zones: flags.zone ?? [],
    multiAz: flags.multiAz ?? null,
    backupDays: flags.backupDays ?? null,
    acceptUnencrypted: dangers.includes('unencrypted'),
    acceptUnencryptedCopy: dangers.includes('unencrypted-copy'),
  }
}
