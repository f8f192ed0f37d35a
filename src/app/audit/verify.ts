import type { AuditHead } from '../../core/audit-record.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { SignatureTrust } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import { listBackups } from '../catalog.ts'
import type { OnEvent } from '../run-event.ts'
import { type DrillHead, readDrillHeads } from './drill-heads.ts'
import { type WalkedLog, walkLog } from './walk.ts'

export interface VerifyAuditRequest {
  /** Several where several machines, or a log that was begun anew, stand behind the backups. */
  readonly files: readonly string[]
  /** Whose manifests vouch for what the logs held. */
  readonly sink?: Sink
  /** Undefined: those of every job. */
  readonly job?: string
  /** Only what one of these has signed vouches for anything. */
  readonly trust?: SignatureTrust
  readonly onEvent: OnEvent
}

export interface VerifiedAudit {
  readonly logs: readonly VerifiedLog[]
  /** Undefined where no sink was looked at. */
  readonly backups?: {
    readonly vouching: number
    /** Made without an audit log. */
    readonly silent: readonly string[]
    /** Damaged, or signed by nobody who is trusted. */
    readonly unusable: readonly string[]
  }
  /** Records of drills at the sink: of the time of its backups. Undefined where no sink was looked at. */
  readonly drills?: {
    readonly vouching: number
    /** Of machines of which no log was given: they vouch for another one. */
    readonly elsewhere: readonly string[]
    readonly unusable: readonly string[]
  }
}

export interface VerifiedLog extends WalkedLog {
  /** The last record that a backup vouches for; 0 for none. */
  readonly vouched: number
}

interface Vouched extends AuditHead {
  readonly name: string
}

/** Most problems that a message has. */
const SHOWN = 20

/** Throws `integrity` where a log is not what was written, as far as it and the manifests at the sink can tell. */
export async function verifyAudit(
  { files, sink, job, trust, onEvent }: VerifyAuditRequest,
  signal: AbortSignal,
): Promise<VerifiedAudit> {
  const backups = sink === undefined ? [] : await listBackups(sink, job, signal, trust)
  const heads = backups.flatMap(({ job: of, id, manifest }): Vouched[] =>
    manifest?.audit === undefined ? [] : [{ name: `backup ${of}/${id}`, ...manifest.audit }],
  )
  const since = backups.find(({ manifest }) => manifest !== undefined)?.id
  const drilled =
    sink === undefined || since === undefined
      ? { heads: [], unusable: [] }
      : await readDrillHeads(
          sink,
          { since, ...(job !== undefined && { job }), ...(trust && { trust }) },
          signal,
        )
  const wanted = new Set([...heads, ...drilled.heads].map(({ records }) => records))
  const logs: VerifiedLog[] = []
  for (const file of files) {
    const log = await walkLog(file, wanted, signal)
    const on = [...heads, ...drilled.heads].filter((head) => isOn(log, head))
    logs.push({ ...log, vouched: Math.max(0, ...on.map(({ records }) => records)) })
  }
  const isHere = ({ host }: DrillHead) => logs.some((log) => log.hosts.has(host))
  const drills: readonly Vouched[] = drilled.heads
    .filter(isHere)
    .map((head) => ({ ...head, name: `drill ${head.name}` }))
  const problems = [
    ...logs.flatMap((log) =>
      log.problems.map((problem) => (files.length === 1 ? problem : `${log.file}: ${problem}`)),
    ),
    ...[...heads, ...drills]
      .filter((head) => !logs.some((log) => isOn(log, head)))
      .map((head) => missing(logs, head)),
  ]
  if (problems.length > 0) throw rewritten(files, problems)
  for (const log of logs) tellLog(log, onEvent)
  if (sink === undefined) return { logs }
  const nameOf = (entry: { readonly job: string; readonly id: string }) => `${entry.job}/${entry.id}`
  const found = {
    vouching: heads.length,
    silent: backups.filter(({ manifest }) => manifest !== undefined && !manifest.audit).map(nameOf),
    unusable: backups.filter(({ manifest }) => manifest === undefined).map(nameOf),
  }
  tellBackups(sink, found, onEvent)
  const elsewhere = drilled.heads.filter((head) => !isHere(head)).map(({ name }) => name)
  tellDrills({ elsewhere, unusable: drilled.unusable }, onEvent)
  if (trust === undefined && heads.length > 0) {
    onEvent({
      kind: 'warning',
      message: 'no signer is trusted: whoever rewrote the log may have rewritten the manifests too',
      hint: 'name signers in the configuration, or add --signer FILE',
    })
  }
  return { logs, backups: found, drills: { vouching: drills.length, elsewhere, unusable: drilled.unusable } }
}

function isOn(log: WalkedLog, { records, head }: AuditHead): boolean {
  return log.digests.get(records) === head
}

function missing(logs: readonly WalkedLog[], { name, records }: Vouched): string {
  const longest = Math.max(...logs.map((log) => log.records))
  return longest < records
    ? `${name} vouches for ${records} records, and there are only ${longest}: the end was cut off`
    : `${name} vouches for another record ${records}: what was written up to there is no longer what it was`
}

function rewritten(files: readonly string[], problems: readonly string[]): LifeboatError {
  const shown = problems.slice(0, SHOWN)
  const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : []
  return new LifeboatError(
    'integrity',
    `unable to trust audit log ${files.map((file) => `'${file}'`).join(' and ')}:\n${[...shown, ...more].join('\n')}`,
    {
      hint: 'Keep the file as it is and find out who changed it: a copy that was kept elsewhere shows what. If the backups are of several logs, give each with --file, or name one job with --job.',
      details: { problems },
    },
  )
}

function tellLog({ file, unfinished, torn, cutOffBytes }: WalkedLog, onEvent: OnEvent): void {
  for (const { verb, job, at, host, pid } of unfinished) {
    const of = job === null ? '' : ` of job '${job}'`
    onEvent({
      kind: 'warning',
      message: `'${file}': the ${verb}${of} that process ${pid} of ${host} started at ${at} has no end`,
      hint: 'it is under way, was killed, or could not write to the log any more',
    })
  }
  if (torn > 0) {
    onEvent({
      kind: 'warning',
      message: `'${file}': a writer was cut off ${torn} times, which the next one noted`,
    })
  }
  if (cutOffBytes > 0) {
    onEvent({
      kind: 'warning',
      message: `'${file}' ends in the midst of a record`,
      hint: 'a run is writing it, or was cut off: the next one accounts for it',
    })
  }
}

function tellBackups(
  sink: Sink,
  { vouching, silent, unusable }: NonNullable<VerifiedAudit['backups']>,
  onEvent: OnEvent,
): void {
  if (vouching === 0) {
    onEvent({
      kind: 'warning',
      message: `no backup at ${sink.name} vouches for the log: that it was not rewritten as a whole is not proven`,
    })
  }
  if (silent.length > 0) {
    onEvent({ kind: 'warning', message: `backups that were made without an audit log: ${list(silent)}` })
  }
  if (unusable.length > 0) {
    onEvent({
      kind: 'warning',
      message: `backups that are damaged or not trusted vouch for nothing: ${list(unusable)}`,
      hint: 'lifeboat verify tells what is wrong with them',
    })
  }
}

function tellDrills(
  { elsewhere, unusable }: Omit<NonNullable<VerifiedAudit['drills']>, 'vouching'>,
  onEvent: OnEvent,
): void {
  if (elsewhere.length > 0) {
    onEvent({
      kind: 'warning',
      message: `drills that other machines ran vouch for logs that were not given: ${list(elsewhere)}`,
      hint: 'give the logs of those machines with --file too, or look there',
    })
  }
  if (unusable.length > 0) {
    onEvent({
      kind: 'warning',
      message: `records of drills that are damaged or not trusted vouch for nothing: ${list(unusable)}`,
    })
  }
}

function list(names: readonly string[]): string {
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
}
