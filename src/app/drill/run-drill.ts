import type { AuditHead } from '../../core/audit-record.ts'
import { layout, newBackupId } from '../../core/backup-layout.ts'
import type { Clock } from '../../core/clock.ts'
import type { Engine } from '../../core/engine.ts'
import { abortReason, LifeboatError, messageOf } from '../../core/errors.ts'
import type { DrillOutcome, Evidence } from '../../core/evidence.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { SignatureTrust, Signer } from '../../core/signing.ts'
import type { Sink } from '../../core/sink.ts'
import type { Stage } from '../../core/stage.ts'
import { readSigned, resolveBackupId, type SignedManifest } from '../catalog.ts'
import { readContents, runRestore } from '../restore.ts'
import type { OnEvent, RunEvent } from '../run-event.ts'
import type { ServerModel, ThrowawayServer } from '../throwaway/throwaway-server.ts'
import { type Check, type CheckResult, notRun, runChecks } from './check.ts'
import { writeEvidence } from './evidence-store.ts'
import { asDrillFailure, failedChecks, tooSlow, unproven } from './refusals.ts'

export interface DrillTarget {
  readonly kind: Evidence['target']['kind']
  /** A fresh server, or with `into` the one that was given, which is not ended with the drill. */
  readonly start: (model: ServerModel, plainBytes: number, signal: AbortSignal) => Promise<ThrowawayServer>
}

export interface DrillRequest {
  readonly sink: Sink
  readonly job: string
  /** Undefined or `latest` takes the newest. */
  readonly id: string | undefined
  readonly target: DrillTarget
  readonly openEngine: (server: ThrowawayServer) => Promise<Engine>
  readonly decoders: (manifest: Manifest) => Promise<readonly Stage[]>
  /** With `into`: what the backup names is dropped before it is loaded. */
  readonly replace?: boolean
  /** Parts that may be loaded at once, where the engine can. */
  readonly jobs: number
  readonly checks: readonly Check[]
  readonly promised: { readonly rtoMs?: number | undefined; readonly rpoMs?: number | undefined }
  readonly trust?: SignatureTrust
  /** Signs the evidence. */
  readonly signer?: Signer
  /** What the evidence vouches for, where the drill is recorded in an audit log. */
  readonly audit?: AuditHead
  readonly version: string
  readonly host: string
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export interface DrillReport {
  readonly evidence: Evidence
  /** Of the record at the sink; undefined where it could not be written. */
  readonly key: string | undefined
  readonly checks: readonly CheckResult[]
  readonly durationMs: number
  /** Why it did not pass. */
  readonly error: LifeboatError | undefined
}

/** How long a drill that has ended may take to leave its record. */
const RECORD_MS = 60_000

type Phase = 'trust' | 'start' | 'restore' | 'checks'

interface Progress {
  phase: Phase
  signed?: SignedManifest
  target?: Evidence['target']['server']
  restored?: { readonly tables: number; readonly rows: number; readonly verified: boolean }
  checks: readonly CheckResult[]
  serverMs?: number
  restoreMs?: number
  checksMs?: number
  rtoMs?: number
}

/**
 * Restores a backup into a server that exists for nothing else, asks it the job's own questions, measures how long that took
 * and how old the data are, and leaves a record at the sink: of a drill that failed, too. Throws where no backup was found,
 * or the signal says so.
 */
export async function runDrill(request: DrillRequest, signal: AbortSignal): Promise<DrillReport> {
  const { job, clock, onEvent, version, host } = request
  const started = clock.now()
  const begunMs = clock.monotonicMs()
  const backup = await findBackup(request, signal)
  const progress: Progress = { phase: 'trust', checks: notRun(request.checks) }
  let failure: LifeboatError | undefined
  try {
    await restoreAndAsk(request, backup, { started, begunMs, progress }, signal)
  } catch (thrown) {
    failure = asDrillFailure(thrown)
  }
  const { signed } = progress
  const rpoMs = signed && Math.max(0, started.getTime() - Date.parse(signed.manifest.started))
  failure ??= failedChecks(progress.checks) ?? unproven(progress.restored, progress.checks)
  const slow =
    failure === undefined ? tooSlow({ rtoMs: progress.rtoMs, rpoMs }, request.promised, job) : undefined
  const outcome: DrillOutcome = failure !== undefined ? 'failed' : slow !== undefined ? 'too-slow' : 'passed'
  const error = failure ?? slow
  const evidence: Evidence = {
    format: 1,
    id: newBackupId(started),
    job,
    outcome,
    started: started.toISOString(),
    ended: clock.now().toISOString(),
    lifeboat: version,
    host,
    backup: describeBackup(backup, signed),
    target: { kind: request.target.kind, server: progress.target ?? null },
    tables: progress.restored?.tables ?? 0,
    rows: progress.restored?.rows ?? 0,
    counted: progress.restored?.verified ?? false,
    checks: progress.checks.map(({ reason: _reason, ...check }) => check),
    rto: { measuredMs: progress.rtoMs ?? null, promisedMs: request.promised.rtoMs ?? null },
    rpo: { measuredMs: rpoMs ?? null, promisedMs: request.promised.rpoMs ?? null },
    phases: {
      serverMs: progress.serverMs ?? null,
      restoreMs: progress.restoreMs ?? null,
      checksMs: progress.checksMs ?? null,
    },
    ...(request.audit !== undefined && { audit: request.audit }),
    ...(error !== undefined && {
      error: { code: error.code, during: outcome === 'too-slow' ? 'promise' : progress.phase },
    }),
  }
  const durationMs = clock.monotonicMs() - begunMs
  const recorded = await record(request, evidence, signal)
  if (signal.aborted) throw failure ?? abortReason(signal)
  onEvent({
    kind: 'step',
    message: `the drill ${outcome === 'passed' ? 'passed' : `did not pass: ${outcome}`}`,
  })
  return { ...recorded, checks: progress.checks, durationMs, error }
}

/** That it is there at all: a mistyped job or place is no failed drill, and leaves no trace. */
async function findBackup({ sink, job, id }: DrillRequest, signal: AbortSignal): Promise<string> {
  const found = await resolveBackupId(sink, job, id, signal)
  if ((await sink.stat(layout.manifest(job, found), signal)) !== undefined) return found
  throw new LifeboatError(
    'sink-not-found',
    `unable to find backup '${found}' of job '${job}' at ${sink.name}`,
    {
      hint: 'lifeboat list shows the backups that are there.',
    },
  )
}

async function restoreAndAsk(
  request: DrillRequest,
  id: string,
  { started, begunMs, progress }: { started: Date; begunMs: number; progress: Progress },
  signal: AbortSignal,
): Promise<void> {
  const { clock, target, onEvent } = request
  const signed = await readSigned(request.sink, request.job, id, signal, request.trust)
  progress.signed = signed
  const { manifest } = signed
  // Whoever has the wrong key hears so before a server is made.
  await readContents(request.sink, manifest, await request.decoders(manifest), signal)
  const since = (fromMs: number) => clock.monotonicMs() - fromMs
  const plainBytes = manifest.parts.reduce((sum, part) => sum + part.plainBytes, 0)
  {
    await using ended = new AsyncDisposableStack()
    progress.phase = 'start'
    const startMs = clock.monotonicMs()
    onEvent({ kind: 'step', message: 'starting a throwaway server' })
    const server = await target.start(manifest, plainBytes, signal)
    ended.defer(() => tidyUp(server, target.kind, onEvent))
    const engine = ended.use(await request.openEngine(server))
    progress.serverMs = since(startMs)
    progress.phase = 'restore'
    const restoreMs = clock.monotonicMs()
    const report = await runRestore(
      {
        ...request,
        engine,
        id,
        replace: request.replace ?? false,
        alongside: false,
        // It was made a moment ago: that it looks like its model is no reason to spare it.
        sameServerOk: target.kind !== 'into',
        onEvent: (event) => {
          const seen = serverOf(event)
          if (seen !== undefined) progress.target = seen
          onEvent(event)
        },
      },
      signal,
    )
    progress.restored = report
    // Somebody may have put another manifest there since it was first read.
    progress.signed = { ...signed, manifest: report.manifest, sha256: report.manifestSha256 }
    progress.restoreMs = since(restoreMs)
    progress.phase = 'checks'
    const checksMs = clock.monotonicMs()
    if (request.checks.length > 0) onEvent({ kind: 'step', message: 'running the check queries' })
    progress.checks = await runChecks(engine, request.checks, started, signal)
    progress.checksMs = since(checksMs)
    if (progress.checks.every(({ outcome }) => outcome === 'passed')) progress.rtoMs = since(begunMs)
  }
}

/** How the drill went is the news; but plain data that stay behind must not stay unseen. */
async function tidyUp(server: ThrowawayServer, kind: DrillTarget['kind'], onEvent: OnEvent): Promise<void> {
  try {
    await server[Symbol.asyncDispose]()
  } catch (thrown) {
    onEvent({
      kind: 'warning',
      message: `unable to clear away all of the throwaway server (${kind}): ${messageOf(thrown)}`,
      hint: 'It may still hold the data in plain: the next drill on this machine tries again, or remove it by hand.',
    })
  }
}

function serverOf(event: RunEvent): Evidence['target']['server'] | undefined {
  if (event.kind !== 'probed') return undefined
  return { flavour: event.probe.flavour, version: event.probe.serverVersion }
}

function describeBackup(id: string, signed: SignedManifest | undefined): Evidence['backup'] {
  if (signed === undefined) {
    return { id, manifestSha256: null, started: null, signedBy: null, engine: null, server: null }
  }
  const { manifest, sha256, signedBy } = signed
  const { flavour, version } = manifest.server
  return {
    id,
    manifestSha256: sha256,
    started: manifest.started,
    signedBy: signedBy?.fingerprint ?? null,
    engine: manifest.engine,
    server: { flavour, version },
  }
}

/** Even after an interruption, in bounded time. What can't be written is a warning: how the drill went is the news. */
async function record(
  { sink, signer, onEvent }: DrillRequest,
  evidence: Evidence,
  signal: AbortSignal,
): Promise<Pick<DrillReport, 'evidence' | 'key'>> {
  if (signer === undefined && !signal.aborted) {
    onEvent({
      kind: 'warning',
      message: 'the record of this drill is not signed',
      hint: 'whoever can write to the sink could have made it; signing: in the configuration, or --signing-key, signs it',
    })
  }
  try {
    const written = await writeEvidence(sink, evidence, signer, AbortSignal.timeout(RECORD_MS))
    return { evidence: written, key: layout.evidence(evidence.job, evidence.id) }
  } catch (thrown) {
    onEvent({
      kind: 'warning',
      message: `unable to leave the record of this drill at ${sink.name}: ${messageOf(thrown)}`,
      hint: 'The drill went as is said here, but nobody will find it later: mend the rights there and repeat it.',
    })
    return { evidence, key: undefined }
  }
}
