import { loadableCommand } from './command.ts'
import type { Case } from './conditions.ts'
import { notKnown } from './estimates.ts'
import { judgeAddRegion, judgeAuroraFailover } from './judge-aurora.ts'
import { judgeCopySnapshot, judgeReplicatedBackup, judgeRestoreSnapshot } from './judge-backups.ts'
import { judgeNative } from './judge-native.ts'
import { judgePromoteReplica } from './judge-replica.ts'
import { type AssessedWay, type Draft, opennessOf, rank, reasonsOf, type Verdict } from './verdict.ts'

const JUDGES: Readonly<Record<AssessedWay, (subject: Case) => Draft>> = {
  'aurora-failover': judgeAuroraFailover,
  'promote-replica': judgePromoteReplica,
  'restore-replicated-backup': judgeReplicatedBackup,
  'restore-snapshot': judgeRestoreSnapshot,
  'copy-snapshot': judgeCopySnapshot,
  'aurora-add-region': judgeAddRegion,
  native: judgeNative,
}

/** Every way out of one database, best first. Pure: what is not in the evidence does not count. */
export function judge(subject: Case, built: readonly string[]): readonly Verdict[] {
  const verdicts = Object.values(JUDGES).map((draft) => verdictOf(draft(subject), built))
  return rank(verdicts)
}

function verdictOf({ conditions, command, ...draft }: Draft, built: readonly string[]): Verdict {
  const state = opennessOf(conditions)
  const reasons = reasonsOf(conditions)
  const { way, breaks } = draft
  if (state !== 'closed') {
    const line = loadableCommand(command, built)
    const isToCome = line === null && command.length > 0
    const first = isToCome ? ['This lifeboat can not take this way yet.', ...draft.first] : draft.first
    return { ...draft, state, reasons, first, command: line }
  }
  const never = notKnown('it is closed')
  return { way, state, reasons, rpo: never, rto: never, first: [], breaks, command: null }
}
