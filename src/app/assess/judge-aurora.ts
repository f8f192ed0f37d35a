import { keyOption, landingOptions, migrateWords } from './command.ts'
import {
  answers,
  type Case,
  closed,
  fenceFirst,
  isServing,
  landing,
  landingFirst,
  newKey,
  of,
  open,
  unsure,
} from './conditions.ts'
import { notOfKind, RESOURCE_ID } from './consequences.ts'
import { copying, exactly, followed, notKnown, span, total, USUAL } from './estimates.ts'
import type { GlobalState } from './evidence.ts'
import { timeOf } from './measured-time.ts'
import type { Condition, Draft, Estimate } from './verdict.ts'

const MOST_SECONDARIES = 10

export function judgeAuroraFailover(subject: Case): Draft {
  const { evidence, db } = subject
  const { source, target } = evidence
  const global = db.global.known ? db.global.value : null
  const wrong = wrongWithPrimary(subject)
  const lag = lagOf(global)
  return {
    way: 'aurora-failover',
    conditions: [
      answers(evidence, 'rds', target),
      notOfKind(subject, 'instance', 'it is an instance of RDS, not a cluster of Aurora'),
      of(db.global, `global databases in ${target}`, (found) =>
        found === null
          ? closed(`${target} knows no global database that it is in`)
          : memberState(found, source, target),
      ),
      primaryState(subject),
    ],
    rpo: wrong === null ? span(0, 0, 'a switchover waits until nothing is left to send') : lag,
    rto: timeOf(
      ...([subject, 'aurora-failover', 'any'] as const),
      wrong === null
        ? total([USUAL.switchover], 'usual for AWS: a switchover, while writes stand still')
        : total([USUAL.failover], 'usual for AWS: a failover'),
    ),
    first:
      wrong === null
        ? []
        : [
            `It is a failover, since ${wrong}: what ${target} has not got yet is lost, which --accept data-loss says may be.`,
            ...fenceFirst(subject),
          ],
    breaks: [
      'The writer endpoint of the global database follows; that of the cluster does not, and connections are cut.',
      ...(wrong === null
        ? []
        : [
            `Once ${source} is well, AWS rebuilds the old primary as a secondary; what it had not sent may survive there in a snapshot named rds:unplanned-global-failover-….`,
          ]),
    ],
    command: migrateWords(subject, 'aurora-failover', { accept: wrong === null ? undefined : 'data-loss' }),
  }
}

function memberState(
  { member, writerRegion, failover, id }: GlobalState,
  source: string,
  target: string,
): Condition {
  if (member === null) return closed(`global database ${id} has no secondary in ${target}`)
  if (member.writer) return closed(`${target} is the primary of ${id} already`)
  if (writerRegion !== null && writerRegion !== source)
    return closed(`the primary of ${id} is in ${writerRegion}, not in ${source}`)
  if (failover !== null) return unsure(`a failover of ${id} is under way: ${failover}`)
  if (member.instances === 0) return closed(`the secondary of ${id} in ${target} has no instance`)
  if (member.instances === null || member.status === null)
    return unsure(`the secondary of ${id} in ${target} was not seen`)
  if (member.status !== 'available') return unsure(`the secondary of ${id} in ${target} is ${member.status}`)
  if (member.synchronization === 'pending-resync')
    return unsure(`the secondary of ${id} in ${target} is pending-resync`)
  return open(`global database ${id} has a secondary in ${target}`)
}

/** Null where a switchover, which loses nothing, can be asked of it. */
function wrongWithPrimary({ evidence, db }: Case): string | null {
  const { planes, source } = evidence
  const plane = planes.find(({ service, region }) => service === 'rds' && region === source)
  if (plane?.state === 'dead') return `RDS of ${source} is dead`
  if (plane?.state !== 'reachable') return 'whether its primary is well is not known'
  if (!db.identity.known || db.identity.asOf !== null) return 'its primary is not there'
  const { status } = db.identity.value
  if (/fail|inaccessible|incompatible|stopp/.test(status)) return `its primary is ${status}`
  const global = db.global.known ? db.global.value : null
  return global === null || global.status === 'available' ? null : `the global database is ${global.status}`
}

/** Who may not look, or is not heard, can't tell that it is. */
function impaired({ evidence: { planes, source } }: Case, wrong: string): Condition {
  const plane = planes.find(({ service, region }) => service === 'rds' && region === source)
  return plane?.state === 'reachable' || plane?.state === 'dead'
    ? closed(`its primary region is impaired: ${wrong}`)
    : unsure(wrong)
}

/** What answers others is likely well: a run asks it again for some minutes, and needs to know. */
function primaryState({ evidence: { planes, source } }: Case): Condition {
  const plane = planes.find(({ service, region }) => service === 'rds' && region === source)
  return plane?.state === 'throttled'
    ? unsure(`whether its primary is well is not known: RDS of ${source} is throttled`)
    : open('')
}

function lagOf(global: GlobalState | null): Estimate {
  const lag = global?.member?.lagMs
  if (lag === undefined) return notKnown('there is no secondary whose lag could be measured')
  if (!lag.known) return notKnown(`its lag is not known: ${lag.reason}`)
  return lag.value === null
    ? notKnown('nobody has measured its lag lately')
    : exactly(lag.value, 'lag of the secondary, measured')
}

export function judgeAddRegion(subject: Case): Draft {
  const { evidence, db } = subject
  const { source, target } = evidence
  const global = db.global.known ? db.global.value : null
  const size = sizeOf(subject)
  const wrong = wrongWithPrimary(subject)
  return {
    way: 'aurora-add-region',
    conditions: [
      answers(evidence, 'rds', target),
      answers(evidence, 'rds', source),
      notOfKind(subject, 'instance', 'it is an instance of RDS, not a cluster of Aurora'),
      of(db.identity, `what it is in ${source}`, () => open('its primary is there to be followed')),
      wrong === null ? open('') : impaired(subject, wrong),
      of(db.global, `global databases in ${target}`, (found) => {
        if (found === null) return open('')
        if (found.member !== null) return closed(`${found.id} has a member in ${target} already`)
        return found.secondaries >= MOST_SECONDARIES
          ? closed(`${found.id} has ${found.secondaries} secondaries, and no more are possible`)
          : open('')
      }),
      ...(db.identity.known && db.identity.value.encrypted ? [newKey(subject)] : []),
      ...landing(subject),
    ],
    rpo: span(0, 1_000, 'usual for AWS, once the new secondary follows; a switchover then loses nothing'),
    rto: followed(
      timeOf(
        ...([subject, 'aurora-add-region', size] as const),
        size === null
          ? notKnown('its size is not known')
          : total(
              [USUAL.secondary, copying(size)],
              `usual for AWS, for ${size} GiB: a new secondary, its first copy`,
            ),
      ),
      USUAL.switchover,
      'a switchover, as is usual for AWS',
    ),
    first: [
      ...(isServing(subject)
        ? []
        : ['Its endpoint was not reached from here: see that the cluster is well.']),
      ...landingFirst(subject),
    ],
    breaks: [
      `It moves nothing yet: aurora-failover does, once the secondary in ${target} follows.`,
      ...(global === null ? ['The cluster becomes the primary of a global database.'] : []),
      RESOURCE_ID,
    ],
    command: migrateWords(subject, 'aurora-add-region', {
      'kms-key': db.identity.known && db.identity.value.encrypted ? keyOption(subject) : undefined,
      ...landingOptions(subject),
    }),
  }
}

/** Aurora says none: its newest snapshot does. */
function sizeOf({ db }: Case): number | null {
  const snapshots = [db.sourceSnapshots, db.snapshotsAcross].flatMap((each) => (each.known ? each.value : []))
  return snapshots.length === 0 ? null : Math.max(...snapshots.map(({ gib }) => gib))
}
