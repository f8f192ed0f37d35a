import type { AuditHead } from '../core/audit-record.ts'
import { layout, newBackupId } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import type { Clock } from '../core/clock.ts'
import type { Contents } from '../core/contents.ts'
import type { Dump, DumpResult, Engine, Probe } from '../core/engine.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'
import type { Signer } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import { type BegunRun, discardRun, type RunJournal, sweepDeadRuns } from './dead-runs.ts'
import { type Described, describeDump } from './describe-dump.ts'
import { heedFindings } from './findings.ts'
import type { Lease } from './lease.ts'
import type { PolicyRecord } from './policy/heed-policy.ts'
import type { OnEvent } from './run-event.ts'
import { checkPresence, type StoredObject } from './stored-object.ts'
import { type Written, writeParts } from './write-parts.ts'

export interface DumpRequest {
  readonly engine: Engine
  readonly sink: Sink
  /** In the order of application: compression, then encryption. */
  readonly stages: readonly Stage[]
  readonly job: string
  /** Chosen beforehand by whoever has to find it again after a crash; else made from the time. */
  readonly id?: string
  readonly counts: 'exact' | 'off'
  /** Parts that are dumped at once. */
  readonly jobs: number
  readonly stallTimeoutMs: number
  /** Most chunks of a volume, where less than the sink allows: the backup is to be copied to a place with less. */
  readonly maxChunks?: number
  /** Signs the manifest, where the operator has a signing key. */
  readonly signer?: Signer
  /** For the manifest: the class that the run was held to, and what an emergency overrode. */
  readonly policy?: PolicyRecord
  /** What the manifest vouches for, where the run is recorded in an audit log. */
  readonly audit?: AuditHead
  /** So that no other run of the job is under way at the same time. */
  readonly lease?: Lease
  readonly version: string
  readonly journal: RunJournal
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export interface DumpReport {
  readonly manifest: Manifest
  readonly contents: Contents
  readonly durationMs: number
}

/** How long a failed run may take to clear away what it wrote; what it can't is swept by a later run. */
const CLEANUP_MS = 30_000

/** engine → meter → stages → meter → sink, then contents and index, then the manifest, whose presence is the commit. */
export async function runDump(request: DumpRequest, signal: AbortSignal): Promise<DumpReport> {
  const { engine, sink, clock, journal, onEvent, job, lease } = request
  // Before the source is asked anything; and what was asked must not be old by the time that the way is free.
  await lease?.awaitFree(signal)
  const begunMs = clock.monotonicMs()
  const started = clock.now()
  onEvent({ kind: 'step', message: `looking at ${engine.target}` })
  const probe = await engine.probe('source', signal)
  onEvent({ kind: 'probed', probe })
  heedFindings(probe.findings, `a dump of ${engine.target}`, onEvent)
  const run: BegunRun = { sink: sink.name, job, id: request.id ?? newBackupId(started) }
  // The first word with the place: who is not let in hears so before the source is read, and leaves nothing behind.
  await sink.stat(layout.manifest(job, run.id), signal)
  await lease?.take(run.id, signal)
  await clearDeadRuns(request, signal)
  await journal.opened(run)
  const options = { counts: request.counts, jobs: request.jobs, onProgress: onEvent }
  // Open until the backup is safe: what an engine keeps at the server for it must outlive the manifest's write.
  await using dump = engine.dump(probe, options, signal)
  let finished: Described
  try {
    const written = await writeParts(request, run.id, dump, signal)
    const result = await dump.finish(signal)
    tellResult(probe, result, onEvent)
    finished = await describeDump(request, { id: run.id, started, probe, written, result }, signal)
    await checkPresence(sink, storedBy(written, run), signal)
    await writeSignature(request, finished, signal)
    throwIfAborted(signal)
  } catch (thrown) {
    await giveUp(request, run)
    throw thrown
  }
  await commit(request, finished, signal)
  await journal.closed(run)
  await tellCommitted(dump, request)
  const { manifest, contents } = finished
  return { manifest, contents, durationMs: clock.monotonicMs() - begunMs }
}

/** A run may take days: what was cleaned up, moved or expired meanwhile must not be vouched for. */
function storedBy(written: readonly Written[], { job, id }: BegunRun): StoredObject[] {
  return written.flatMap(({ objects }) =>
    Object.entries(objects).map(([name, { bytes, chunks }]) => ({
      name,
      key: layout.object(job, id, name),
      bytes,
      chunks,
    })),
  )
}

/**
 * Writes the manifest. Where its answer is lost, the sink is asked whether it arrived; where even that fails, the data
 * stays: a manifest that lands late must never stand without it. A later run finds out and clears away what is none.
 */
async function commit(
  { sink }: DumpRequest,
  { manifest, bytes }: Described,
  signal: AbortSignal,
): Promise<void> {
  const key = layout.manifest(manifest.job, manifest.id)
  try {
    await sink.write(key, once(bytes), { ifAbsent: sink.traits.exclusiveCreate, signal })
  } catch (thrown) {
    const info = await sink.stat(key, AbortSignal.timeout(CLEANUP_MS)).catch(() => undefined)
    if (info?.bytes !== bytes.length) throw thrown
  }
}

/** Before the manifest: a signed backup is never seen without its signature. */
async function writeSignature(
  { sink, signer }: DumpRequest,
  { manifest, bytes }: Described,
  signal: AbortSignal,
): Promise<void> {
  if (signer === undefined) return
  const signature = await signer.sign(bytes, signal)
  await sink.write(layout.signature(manifest.job, manifest.id), once(signature), { signal })
}

/** The backup is safe by now: nothing that fails here may make it look otherwise, an interruption included. */
async function tellCommitted(dump: Dump, { engine, onEvent }: DumpRequest): Promise<void> {
  try {
    await dump.committed?.(AbortSignal.timeout(CLEANUP_MS))
  } catch (thrown) {
    onEvent({
      kind: 'warning',
      message: `the backup is whole, but ${engine.target} was not tidied up: ${messageOf(thrown)}`,
      ...hintOf(thrown),
    })
  }
}

/** What the findings of the probe have not told already. */
function tellResult(probe: Probe, result: DumpResult, onEvent: OnEvent): void {
  for (const message of result.warnings) onEvent({ kind: 'warning', message })
  const told = new Set(probe.findings.map((finding) => finding.notCaptured))
  for (const { what, count, reason } of result.notCaptured) {
    if (told.has(what)) continue
    const amount = count === undefined ? '' : ` (${count})`
    onEvent({ kind: 'warning', message: `not captured: ${what}${amount}: ${reason}` })
  }
}

async function clearDeadRuns(request: DumpRequest, signal: AbortSignal): Promise<void> {
  const { sink, journal, onEvent } = request
  try {
    const removed = await sweepDeadRuns(sink, journal, signal)
    if (removed.length > 0)
      onEvent({
        kind: 'step',
        message: `removed ${removed.length} leftovers of an earlier run that was cut off`,
      })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    // A place that is not there (yet, or until its disk is mounted again) holds nothing to clear away.
    if (isMissing(thrown)) return
    onEvent({
      kind: 'warning',
      message: `leftovers of an earlier run are still at ${sink.name}: ${messageOf(thrown)}`,
      ...hintOf(thrown),
    })
  }
}

function hintOf(thrown: unknown): { hint?: string } {
  return thrown instanceof LifeboatError && thrown.hint !== undefined ? { hint: thrown.hint } : {}
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof LifeboatError && thrown.code === 'sink-not-found'
}

/** The caller's error is the news; a failure to clean up is said, and the journal keeps the run for a later sweep. */
async function giveUp(request: DumpRequest, run: BegunRun): Promise<void> {
  try {
    await discardRun(request.sink, run, AbortSignal.timeout(CLEANUP_MS))
    await request.journal.closed(run)
  } catch (thrown) {
    // The very first write failed before it had made the place.
    if (isMissing(thrown)) return request.journal.closed(run)
    request.onEvent({
      kind: 'warning',
      message: `unable to clear away the unfinished backup '${run.id}' at ${run.sink}: ${messageOf(thrown)}`,
      hint: 'It is not listed and can not be restored; the next dump from this machine removes it.',
    })
  }
}
