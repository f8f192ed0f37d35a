import { keyOption, landingOptions, migrateWords } from './command.ts'
import {
  answers,
  type Case,
  closed,
  fenceFirst,
  keyOf,
  landing,
  landingFirst,
  newKey,
  of,
  open,
  unsure,
} from './conditions.ts'
import { BY_INVENTORY, ENDPOINT_CHANGES, LAZY, NOTHING_ELSE, notOfKind, RESOURCE_ID } from './consequences.ts'
import { age, copying, notKnown, span, total, USUAL } from './estimates.ts'
import type { BackupAcross, SnapshotSeen } from './evidence.ts'
import { timeOf } from './measured-time.ts'
import type { Condition, Draft } from './verdict.ts'

const BREAKS = [ENDPOINT_CHANGES, RESOURCE_ID, LAZY, NOTHING_ELSE]
/** Of ways that ask nothing of the source. */
const BREAKS_MORE = [...BREAKS, BY_INVENTORY]

export function judgeReplicatedBackup(subject: Case): Draft {
  const { evidence, db } = subject
  const { target } = evidence
  const chosen = db.backupsAcross.known ? newest(db.backupsAcross.value, ({ latest }) => latest) : undefined
  return {
    way: 'restore-replicated-backup',
    conditions: [
      answers(evidence, 'rds', target),
      notOfKind(subject, 'cluster', 'it is a cluster of Aurora, whose backups RDS does not replicate'),
      of(db.backupsAcross, `replicated backups in ${target}`, () => backupState(chosen, target)),
      ...(chosen === undefined ? [] : [keyOf(subject, chosen.kmsKeyArn)]),
      ...landing(subject),
    ],
    rpo: age(chosen?.latest ?? null, evidence.at, 'latest moment that the replicated backups reach'),
    rto: timeOf(
      ...([subject, 'restore-replicated-backup', chosen?.gib ?? null] as const),
      total(
        [USUAL.restore, USUAL.replay],
        'usual for AWS: a restore, and the replay of the logs since the last backup',
      ),
    ),
    first: [...fenceFirst(subject), ...landingFirst(subject), ...optionWarnings(chosen?.engine)],
    breaks: subject.flags.inventory === undefined ? BREAKS_MORE : BREAKS,
    command: migrateWords(subject, 'restore-replicated-backup', {
      ...landingOptions(subject),
      inventory: subject.flags.inventory,
    }),
  }
}

function backupState(backup: BackupAcross | undefined, target: string): Condition {
  if (backup === undefined) return closed(`its backups are not replicated to ${target}`)
  const { status, earliest, latest } = backup
  if (latest === null) return unsure(`its replicated backups are ${status}, and reach no moment yet`)
  if (!/^(active|retained)$/.test(status)) return unsure(`its replicated backups are ${status}`)
  return open(`replicated backups reach from ${earliest ?? 'an unknown time'} to ${latest}`)
}

/** What RDS does not take along or can't restore across regions. */
function optionWarnings(engine: string | undefined): readonly string[] {
  if (engine?.startsWith('sqlserver')) {
    return ['RDS does not replicate option groups of SQL Server: make one like it first, and name it.']
  }
  return engine?.startsWith('oracle')
    ? ['Options NATIVE_NETWORK_ENCRYPTION, OEM, OEM_AGENT and SSL must be added again afterwards.']
    : []
}

export function judgeRestoreSnapshot(subject: Case): Draft {
  const { evidence, db } = subject
  const { target } = evidence
  const chosen = db.snapshotsAcross.known ? bestSnapshot(db.snapshotsAcross.value) : undefined
  return {
    way: 'restore-snapshot',
    conditions: [
      answers(evidence, 'rds', target),
      of(db.snapshotsAcross, `snapshots in ${target}`, () => snapshotState(chosen, target)),
      ...(chosen === undefined ? [] : [keyOf(subject, chosen.kmsKeyArn), encryption(subject, chosen)]),
      ...landing(subject),
    ],
    rpo: age(chosen?.created ?? null, evidence.at, `age of the newest snapshot in ${target}`),
    rto: timeOf(
      ...([subject, 'restore-snapshot', chosen?.gib ?? null] as const),
      total([USUAL.restore], 'usual for AWS, whatever its size'),
    ),
    first: [...fenceFirst(subject), ...landingFirst(subject)],
    breaks: subject.flags.inventory === undefined ? BREAKS_MORE : BREAKS,
    command: migrateWords(subject, 'restore-snapshot', {
      snapshot: chosen?.id,
      'kms-key': chosen?.encrypted === false ? keyOption(subject) : undefined,
      ...landingOptions(subject),
      inventory: subject.flags.inventory,
    }),
  }
}

function snapshotState(snapshot: SnapshotSeen | undefined, target: string): Condition {
  if (snapshot === undefined) return closed(`no snapshot of it is in ${target}`)
  const { id, status, percent, created } = snapshot
  if (status === 'available') return open(`snapshot ${id} of ${created ?? 'an unknown time'} is there`)
  const share = percent === null ? '' : `, ${percent} %`
  return /^(creating|copying)$/.test(status)
    ? unsure(`snapshot ${id} is ${status}${share}`)
    : closed(`snapshot ${id} is ${status}`)
}

/** What is not encrypted needs a key to become so. */
function encryption(subject: Case, { encrypted }: Pick<SnapshotSeen, 'encrypted'>): Condition {
  return encrypted ? open('') : newKey(subject)
}

export function judgeCopySnapshot(subject: Case): Draft {
  const { evidence, db } = subject
  const { source, target } = evidence
  const identity = db.identity.known ? db.identity.value : undefined
  const taken = db.sourceSnapshots.known ? bestSnapshot(db.sourceSnapshots.value) : undefined
  const gib = identity?.gib ?? taken?.gib ?? null
  const rto = timeOf(
    ...([subject, 'copy-snapshot', gib] as const),
    gib === null
      ? notKnown('its size is not known')
      : total(
          [USUAL.snapshot, copying(gib), USUAL.restore],
          `usual for AWS, for ${gib} GiB: a snapshot, its copy, a restore. Copies of one database wait for each other`,
        ),
  )
  return {
    way: 'copy-snapshot',
    conditions: [
      answers(evidence, 'rds', target),
      answers(evidence, 'rds', source),
      of(db.identity, `what it is in ${source}`, ({ status }) => sourceState(status)),
      db.identity.known && db.identity.asOf !== null
        ? closed(`${source} does not show it now: it is known by the inventory only`)
        : open(''),
      ...(identity === undefined ? [] : [newKey(subject), plainCluster(subject)]),
      ...landing(subject),
    ],
    rpo:
      rto.mostMs === null
        ? notKnown('what is written after the new snapshot is lost, unless writers are stopped')
        : span(
            0,
            rto.mostMs,
            'what is written after the new snapshot is begun; nothing if writers are stopped',
            rto.rests,
          ),
    rto,
    first: [...fenceFirst(subject), ...landingFirst(subject)],
    breaks: BREAKS,
    command: migrateWords(subject, 'copy-snapshot', {
      snapshot: 'new',
      'kms-key': keyOption(subject),
      ...landingOptions(subject),
    }),
  }
}

function sourceState(status: string): Condition {
  return /^(failed|deleting|stopped|restore-error|incompatible-|inaccessible-)/.test(status)
    ? closed(`it is ${status}: no snapshot can be taken`)
    : open(`it is ${status}, and a snapshot of it can be taken`)
}

/** "You can't encrypt an unencrypted Aurora DB cluster snapshot": only its restore takes a key. */
function plainCluster({ db: { identity } }: Case): Condition {
  return identity.known && identity.value.kind === 'cluster' && !identity.value.encrypted
    ? closed('Aurora can not encrypt it while it is copied: --accept unencrypted-copy opens this way')
    : open('')
}

/** One that can be used, and then the newest. */
function bestSnapshot(snapshots: readonly SnapshotSeen[]): SnapshotSeen | undefined {
  const usable = snapshots.filter(({ status }) => status === 'available')
  return newest(usable, ({ created }) => created) ?? newest(snapshots, ({ created }) => created)
}

function newest<T>(things: readonly T[], when: (thing: T) => string | null): T | undefined {
  const time = (thing: T) => Date.parse(when(thing) ?? '') || Number.NEGATIVE_INFINITY
  return things.reduce<T | undefined>(
    (best, thing) => (best === undefined || time(thing) > time(best) ? thing : best),
    undefined,
  )
}
