import { showTime } from '../drill/refusals.ts'
import { keyOption, landingOptions, migrateWords, words } from './command.ts'
import {
  type Case,
  closed,
  fenceFirst,
  isServing,
  landing,
  landingFirst,
  namedKey,
  newKey,
  open,
  unsure,
} from './conditions.ts'
import { age, followed, NATIVE_BYTES_PER_SECOND, notKnown, span, TYPICAL, USUAL } from './estimates.ts'
import type { Drill, NativeBackup } from './evidence.ts'
import { timeOf } from './measured-time.ts'
import { type Condition, type Draft, type Estimate, opennessOf } from './verdict.ts'

/** A dump and restore over the database's own connection: no control plane is needed for it. */
export function judgeNative(subject: Case): Draft {
  const { evidence, db } = subject
  const { backup, problem } = backupOf(subject)
  const serving = isServing(subject)
  const restoring = restoreTime(subject, backup)
  const command = nativeWords(subject, backup)
  return {
    way: 'native',
    conditions: [nativeState(subject, backup, problem)],
    rpo: dataLoss(subject, backup),
    rto: restoring,
    first: [
      ...(serving
        ? [`${db.id} answers: a dump made now (migrate native --dump-now) loses less than the newest backup.`]
        : []),
      ...(serving ? fenceFirst(subject) : []),
      ...(backup?.passedOver.map((reason) => `A newer backup can not be used: ${reason}.`) ?? []),
      ...(command[1] === 'migrate' ? landingFirst(subject) : []),
      ...(canMake(subject)
        ? []
        : [
            `RDS of ${evidence.target} can not make an instance now: have a server elsewhere to restore into.`,
          ]),
    ],
    breaks: [
      'The server is another one: connection strings, DNS names, certificates, alarms and backups must follow.',
      'Accounts come along as far as the dump could read them: what was not captured is in the manifest.',
    ],
    command,
  }
}

interface Choice {
  readonly backup: NativeBackup | undefined
  /** Why none is known, or that it can't be told which one it is. */
  readonly problem: string | undefined
}

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/mysql|maria/, 'mysql'],
  [/postgres/, 'postgres'],
  [/sqlserver/, 'sqlserver'],
  [/oracle/, 'oracle'],
]

function familyOf(engine: string): string {
  return FAMILIES.find(([pattern]) => pattern.test(engine))?.[1] ?? engine
}

/** A backup does not name its server: the job of the same name is meant, or the only one of that engine. */
function backupOf({ evidence, db }: Case): Choice {
  if (evidence.sinks.length === 0)
    return { backup: undefined, problem: 'no sink was named with --at where a backup could be' }
  const silent = evidence.sinks.flatMap(({ sink, backups }) =>
    backups.known ? [] : [`${sink}: ${backups.reason}`],
  )
  const all = evidence.sinks.flatMap(({ backups }) => (backups.known ? backups.value : []))
  const engine = db.identity.known ? familyOf(db.identity.value.engine) : undefined
  const fitting = all.filter((each) => engine === undefined || familyOf(each.engine) === engine)
  const named = fitting.filter(({ job }) => job === db.id)
  const jobs = [...new Set((named.length > 0 ? named : fitting).map(({ job }) => job))]
  if (jobs.length > 1)
    return {
      backup: undefined,
      problem: `which job is of it is not known: name it with --job (${jobs.join(', ')})`,
    }
  const [newest] = fitting
    .filter(({ job }) => job === jobs[0])
    .sort((a, b) => (a.started < b.started ? 1 : -1))
  if (newest !== undefined) return { backup: newest, problem: undefined }
  return { backup: undefined, problem: silent.length > 0 ? silent.join('; ') : undefined }
}

function nativeState(
  subject: Case,
  backup: NativeBackup | undefined,
  problem: string | undefined,
): Condition {
  const { db } = subject
  if (backup !== undefined) return open(newestText(backup, subject.evidence.at))
  if (isServing(subject)) return open('the database answers, so that it can be dumped now')
  if (problem !== undefined) return unsure(`newest backup not known: ${problem}`)
  const why = db.look.known ? 'the database can not be reached from here' : db.look.reason
  return closed(`there is no backup at a sink, and ${why}`)
}

/** How old it is, and how fast one like it was restored. */
function newestText({ id, job, sink, started, drill }: NativeBackup, now: string): string {
  const old = Math.max(0, Date.parse(now) - Date.parse(started))
  const rate = drill === null ? undefined : bytesPerSecond(drill)
  const restored =
    rate === undefined
      ? 'no drill has measured how fast it is restored'
      : `restored at ${(rate / 1e6).toPrecision(2)} MB/s by the drill of ${drill?.at}`
  return `backup ${id} of job ${job} is at ${sink}, ${showTime(old)} old; ${restored}`
}

/** Plain bytes, as the database takes them. */
export function bytesPerSecond({ restoreMs, plainBytes }: Drill): number | undefined {
  return restoreMs === null || restoreMs === 0 || plainBytes === null
    ? undefined
    : (plainBytes * 1000) / restoreMs
}

function dataLoss(subject: Case, backup: NativeBackup | undefined): Estimate {
  const { evidence } = subject
  const old =
    backup === undefined
      ? notKnown('no backup is known')
      : age(backup.started, evidence.at, `age of backup ${backup.id}`)
  if (!isServing(subject)) return old
  const basis = 'by a dump that is made now, what is written after it begins'
  if (old.mostMs === null) return { ...old, leastMs: 0, basis, rests: TYPICAL }
  return span(0, old.mostMs, `${basis}; by the newest backup, its age`, old.rests)
}

function restoreTime(subject: Case, backup: NativeBackup | undefined): Estimate {
  const work = workTime(subject, backup)
  if (work.leastMs === null || work.mostMs === null) return work
  if (!canMake(subject)) return { ...work, basis: `${work.basis}, into a server that is there` }
  const made = followed(work, USUAL.freshInstance, 'before it a fresh instance, as is usual for AWS')
  // A run has made its instance, too.
  return timeOf(subject, 'native', identityGib(subject), made)
}

function workTime(subject: Case, backup: NativeBackup | undefined): Estimate {
  if (backup?.drill != null) return drilledTime(backup.drill, backup.plainBytes)
  if (backup !== undefined)
    return span(
      backup.dumpMs,
      backup.dumpMs * 4,
      'its dump was measured, no drill has measured its restore',
      { on: 'partly-measured', at: backup.started },
    )
  const gib = identityGib(subject)
  if (gib === null) return notKnown('nothing was measured, and its size is not known')
  const [most, least] = NATIVE_BYTES_PER_SECOND
  const bytes = gib * 2 ** 30
  return span(
    (bytes / most) * 1000,
    (bytes / least) * 1000,
    `nothing was measured: by its ${gib} GiB, at usual rates`,
  )
}

/** A database that has grown since takes so much longer to load. */
function drilledTime({ at, rtoMs, restoreMs, plainBytes }: Drill, bytes: number): Estimate {
  const grown = restoreMs === null || plainBytes === null || plainBytes === 0 ? 1 : bytes / plainBytes
  const ms = rtoMs + Math.max(0, grown - 1) * (restoreMs ?? 0)
  return span(ms, ms * 1.5, `measured by the drill of ${at}`, { on: 'measured', at })
}

function identityGib({ db: { identity } }: Case): number | null {
  return identity.known ? identity.value.gib : null
}

function canMake({ evidence }: Case): boolean {
  return evidence.planes.some(
    ({ service, region, state }) => service === 'rds' && region === evidence.target && state === 'reachable',
  )
}

function nativeWords(subject: Case, backup: NativeBackup | undefined): readonly string[] {
  const made = instanceOptions(subject)
  if (backup === undefined) return isServing(subject) ? dumpedWords(subject, made) : []
  const { id, job, sink } = backup
  if (made !== undefined)
    return migrateWords(subject, 'native', { backups: sink, job, key: 'KEY-FILE', ...made })
  return ['lifeboat', 'restore', id, ...words({ from: sink, job, into: 'DATABASE-URL', key: 'KEY-FILE' })]
}

/** Where nothing was dumped yet: dump, and restore just that into a new instance where one can be made. */
function dumpedWords(subject: Case, made: ReturnType<typeof instanceOptions>): readonly string[] {
  const { evidence, db } = subject
  const sink = evidence.sinks[0]?.sink ?? 'SINK'
  const recipient = 'PUBLIC-KEY-FILE'
  if (made === undefined)
    return ['lifeboat', 'dump', ...words({ from: 'DATABASE-URL', to: sink, recipient, job: db.id })]
  const dumped = { 'dump-now': true, login: 'DATABASE-URL', 'dump-password': 'prompt:', recipient } as const
  return migrateWords(subject, 'native', {
    ...{ backups: sink, job: db.id, ...dumped, key: 'KEY-FILE' },
    ...made,
  })
}

/** What a fresh instance needs to be told; undefined where none can be made that is like the old one. */
function instanceOptions(subject: Case) {
  const { identity } = subject.db
  if (!identity.known || !canMake(subject)) return undefined
  if (opennessOf(landing(subject)) !== 'open') return undefined
  const { kind, engine, engineVersion, gib, masterUser, encrypted } = identity.value
  // Of a Multi-AZ DB cluster nothing like it is made.
  if (kind === 'cluster' && !engine.startsWith('aurora')) return undefined
  const isUsable = newKey(subject).state === 'open'
  // Without a key RDS encrypts it under AWS's own; one that was named and can't be used stops the run.
  if (!isUsable && namedKey(subject) !== undefined) return undefined
  const key = encrypted && isUsable ? keyOption(subject) : subject.flags.kmsKey
  const options = { ...landingOptions(subject), 'kms-key': key }
  if (identity.asOf === null) return options
  if ((kind === 'instance' && gib === null) || masterUser === null) return undefined
  const told = {
    engine,
    'engine-version': engineVersion,
    'storage-gib': kind === 'cluster' || gib === null ? undefined : String(gib),
    'master-user': masterUser,
  }
  return { ...options, ...told, inventory: subject.flags.inventory }
}
