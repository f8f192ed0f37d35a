import { migrateWords } from './command.ts'
import { answers, type Case, closed, fenceFirst, of, open, unsure } from './conditions.ts'
import { ENDPOINT_CHANGES, notOfKind, RESOURCE_ID } from './consequences.ts'
import { exactly, notKnown, total, USUAL } from './estimates.ts'
import type { Replica } from './evidence.ts'
import { timeOf } from './measured-time.ts'
import type { Condition, Draft, Estimate } from './verdict.ts'

/** What ends by itself, or what a promotion waits for. */
const WORKING =
  /^(available|backing-up|modifying|rebooting|maintenance|upgrading|storage-optimization|configuring-.*)$/

export function judgePromoteReplica(subject: Case): Draft {
  const { evidence, db } = subject
  const { target } = evidence
  const chosen = db.replicas.known ? best(db.replicas.value) : undefined
  return {
    way: 'promote-replica',
    conditions: [
      answers(evidence, 'rds', target),
      notOfKind(subject, 'cluster', 'it is a cluster of Aurora, whose replicas can not be promoted'),
      of(db.replicas, `replicas in ${target}`, () =>
        chosen === undefined ? closed(`it has no read replica in ${target}`) : stateOf(chosen),
      ),
    ],
    rpo: chosen === undefined ? notKnown('there is no replica whose lag could be measured') : lagOf(chosen),
    rto: timeOf(
      ...([subject, 'promote-replica', 'any'] as const),
      total([USUAL.promote], 'usual for AWS: the replica restarts'),
    ),
    first: fenceFirst(subject),
    breaks: [
      ENDPOINT_CHANGES,
      'It can not be taken back: the replica never follows the old primary again, and other replicas still do.',
      'Parameter and option group, Multi-AZ and backups are those of the replica.',
      RESOURCE_ID,
    ],
    command: migrateWords(subject, 'promote-replica', {
      replica: db.replicas.known && db.replicas.value.length > 1 ? chosen?.id : undefined,
    }),
  }
}

/** That works, and then that is least behind. */
function best(replicas: readonly Replica[]): Replica | undefined {
  const behind = ({ lagSeconds }: Replica) =>
    lagSeconds.known && lagSeconds.value !== null ? lagSeconds.value : Number.POSITIVE_INFINITY
  const broken = ({ status }: Replica) => Number(!WORKING.test(status))
  return replicas.toSorted((a, b) => {
    const [one, other] = [behind(a), behind(b)]
    return broken(a) - broken(b) || (one === other ? 0 : one - other)
  })[0]
}

function stateOf({ id, status, error }: Replica): Condition {
  if (status === 'creating') return unsure(`replica ${id} is still being created`)
  if (!WORKING.test(status)) return closed(`replica ${id} is ${status}`)
  if (error !== null) return open(`replica ${id} is there, but replication has stopped: ${error}`)
  return open(`replica ${id} is ${status}`)
}

function lagOf({ id, lagSeconds, error }: Replica): Estimate {
  if (error !== null) return notKnown(`${id} no longer follows: ${error}`)
  if (!lagSeconds.known) return notKnown(`the lag of ${id} is not known: ${lagSeconds.reason}`)
  if (lagSeconds.value === null) return notKnown(`nobody has measured the lag of ${id} lately`)
  return exactly(lagSeconds.value * 1000, `lag of ${id}, measured`)
}
