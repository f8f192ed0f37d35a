import { chooseRestoreLanding, type RestoreLandingOptions } from './restore-landing.ts'
import { accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

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
  const landing = chooseRestoreLanding(flags)
  return {
    ...{ ...needRegions(flags), ...landing },
    db: needOneDb(flags, 'copy-snapshot'),
    snapshot: flags.snapshot ?? null,
    kmsKey: flags.kmsKey ?? null,
    acceptUnencrypted: dangers.includes('unencrypted'),
    acceptUnencryptedCopy: dangers.includes('unencrypted-copy'),
  }
}
