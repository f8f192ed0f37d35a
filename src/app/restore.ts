import { layout } from '../core/backup-layout.ts'
import { collect } from '../core/bytes.ts'
import type { Clock } from '../core/clock.ts'
import { type Contents, contentsSchema } from '../core/contents.ts'
import type { Engine, RestoreResult } from '../core/engine.ts'
import { LifeboatError, messageOf, toLifeboatError } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'
import type { SignatureTrust, SignedBy } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import { parseStored, readIndex, readTrusted, resolveBackupId } from './catalog.ts'
import { rowDifferences } from './compare-rows.ts'
import { heedFindings } from './findings.ts'
import { createPartSource, objectsOf, type StoredPartSource } from './part-source.ts'
import type { OnEvent } from './run-event.ts'
import { checkPresence, decodeAll, readWhole } from './stored-object.ts'
import { recordVerified } from './verified-record.ts'

export interface RestoreRequest {
  readonly engine: Engine
  readonly sink: Sink
  readonly job: string
  /** Undefined or `latest` takes the newest. */
  readonly id: string | undefined
  /** The stages of the manifest, able to decode: with the key where it is encrypted. */
  readonly decoders: (manifest: Manifest) => Promise<readonly Stage[]>
  /** Drop what the contents name, and only that, before loading it. */
  readonly replace: boolean
  /** Other user data at the target is no obstacle. */
  readonly alongside: boolean
  readonly sameServerOk: boolean
  /** Parts that may be loaded at once, where the engine can. */
  readonly jobs: number
  /** One of these must have signed the backup. */
  readonly trust?: SignatureTrust
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export interface RestoreReport extends RestoreResult {
  readonly manifest: Manifest
  /** Of the manifest's very bytes. */
  readonly manifestSha256: string
  /** Where signers are trusted. */
  readonly signedBy?: SignedBy
  /** Tables whose rows were counted on both sides and found equal; 0 where counting was off. */
  readonly tables: number
  readonly rows: number
  readonly verified: boolean
  readonly durationMs: number
}

/** The dump's line read backwards: nothing that was not verified reaches the database. */
export async function runRestore(request: RestoreRequest, signal: AbortSignal): Promise<RestoreReport> {
  const { engine, sink, clock, onEvent } = request
  const begunMs = clock.monotonicMs()
  const id = await resolveBackupId(sink, request.job, request.id, signal)
  const { manifest, signedBy, sha256 } = await readTrusted(request, id, signal)
  if (manifest.engine !== engine.name) {
    throw new LifeboatError(
      'usage',
      `unable to restore backup '${id}' into ${engine.target}: it is a dump of ${manifest.engine}`,
      {
        hint: `Give a ${manifest.engine}:// URL with --into.`,
      },
    )
  }
  onEvent({ kind: 'step', message: `restoring backup ${id} of ${manifest.ended}` })
  const index = await readIndex(sink, manifest, signal)
  const decoders = await request.decoders(manifest)
  const contents = await readContents(sink, manifest, decoders, signal)
  await checkPresence(
    sink,
    manifest.parts.flatMap((part) => objectsOf(manifest, index, part)),
    signal,
  )
  const estimateBytes = manifest.parts.reduce((sum, part) => sum + part.plainBytes, 0)
  await checkTarget(request, manifest, contents, estimateBytes, signal)
  const source = createPartSource({ ...request, manifest, index, contents, decoders })
  let result: RestoreResult
  try {
    result = await engine.restore(
      source,
      {
        replace: request.replace,
        jobs: request.jobs,
        onProgress: (event) => onEvent(event),
      },
      signal,
    )
  } catch (thrown) {
    throw partlyRestored(thrown, source, engine)
  }
  for (const warning of result.warnings) onEvent({ kind: 'warning', message: warning })
  const counted = await compareCounts(request, manifest, contents, result.uncounted, signal)
  const level = counted.verified
    ? 'restored'
    : source.parts.every(({ name }) => source.whole.has(name))
      ? 'plain'
      : undefined
  if (level !== undefined) await recordVerified(request, { job: request.job, id }, level, signal)
  return {
    ...result,
    ...counted,
    manifest,
    manifestSha256: sha256,
    ...(signedBy && { signedBy }),
    durationMs: clock.monotonicMs() - begunMs,
  }
}

/** Reads, checks and decodes the contents: the first use of the key, before anything touches the target. */
export async function readContents(
  sink: Sink,
  manifest: Manifest,
  decoders: readonly Stage[],
  signal: AbortSignal,
): Promise<Contents> {
  const key = layout.object(manifest.job, manifest.id, manifest.contents.name)
  const stored = await readWhole(sink, key, manifest.contents, signal)
  async function* pieces() {
    yield stored
  }
  const contents = parseStored(
    sink,
    key,
    await collect(decodeAll(pieces(), decoders, signal)),
    contentsSchema,
  )
  const parts = (list: readonly { number: number; format: string }[]) =>
    list
      .map(({ number, format }) => `${number}.${format}`)
      .sort()
      .join(' ')
  if (parts(contents.parts) !== parts(manifest.parts)) {
    throw new LifeboatError(
      'integrity',
      `unable to trust backup '${manifest.id}': its contents and its manifest name different parts`,
      { hint: 'This backup is damaged. Use another one: lifeboat list shows them.' },
    )
  }
  return contents
}

async function checkTarget(
  request: RestoreRequest,
  manifest: Manifest,
  contents: Contents,
  estimateBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { engine, onEvent } = request
  onEvent({ kind: 'step', message: `looking at ${engine.target}` })
  const probe = await engine.probe('target', signal)
  onEvent({ kind: 'probed', probe: { ...probe, estimateBytes } })
  heedFindings(probe.findings, `a restore into ${engine.target}`, onEvent)
  const sameness = engine.compareIdentity(manifest.server.identity, probe)
  if (sameness.verdict !== 'different' && !request.sameServerOk) {
    const is = sameness.verdict === 'same' ? 'it is' : 'it may be'
    throw new LifeboatError(
      'source-protected',
      `unable to restore into ${engine.target}: ${is} the server that the dump came from (${sameness.reason})`,
      {
        hint: 'Nothing was changed. Give a fresh server with --into; if this one is meant, add --same-server-ok.',
      },
    )
  }
  const { conflicts, others } = await engine.occupied(contents, signal)
  if (conflicts.length > 0 && !request.replace) {
    throw new LifeboatError(
      'confirmation-required',
      `unable to restore into ${engine.target}: it already holds ${names(conflicts)}`,
      {
        hint: 'Nothing was changed. Give an empty server, or add --replace to drop what the backup names and load it anew.',
      },
    )
  }
  if (others.length > 0 && !request.alongside && !request.replace) {
    throw new LifeboatError(
      'confirmation-required',
      `unable to restore into ${engine.target}: it holds other data (${names(others)})`,
      {
        hint: 'Nothing was changed. Give an empty server, or add --alongside to leave that data as it is and restore beside it.',
      },
    )
  }
}

/** The engine's error, with what was and what was not loaded by then. */
function partlyRestored(thrown: unknown, source: StoredPartSource, engine: Engine): LifeboatError {
  const failure = toLifeboatError(thrown)
  // What an engine refuses before it has read a part, it refuses before it changes anything.
  if (source.whole.size === 0 && failure.code === 'usage') return failure
  const restored = source.parts.filter((part) => source.whole.has(part.name)).map((part) => part.name)
  const missing = source.parts.filter((part) => !source.whole.has(part.name)).map((part) => part.name)
  const state = `Fed whole to ${engine.target}: ${restored.length === 0 ? 'nothing' : names(restored)}; not or only in part: ${missing.length === 0 ? 'nothing' : names(missing)}.`
  return new LifeboatError(failure.code, messageOf(failure), {
    hint: [
      failure.hint,
      state,
      'The target is not usable yet: mend the cause and run the same command again with --replace.',
    ]
      .filter((line) => line !== undefined)
      .join(' '),
    cause: failure,
    details: { ...failure.details, restored, notRestored: missing },
  })
}

async function compareCounts(
  request: RestoreRequest,
  manifest: Manifest,
  contents: Contents,
  uncounted: string | undefined,
  signal: AbortSignal,
): Promise<{ tables: number; rows: number; verified: boolean }> {
  const { engine, onEvent } = request
  if (uncounted !== undefined) {
    onEvent({ kind: 'warning', message: `rows are not counted yet: ${uncounted}` })
    return { tables: 0, rows: 0, verified: false }
  }
  if (manifest.counts === 'off') {
    onEvent({
      kind: 'warning',
      message: 'rows were not counted when this backup was made: only its digests are proven',
    })
    return { tables: 0, rows: 0, verified: false }
  }
  const expected = contents.tables.filter((table) => table.rows !== undefined)
  onEvent({ kind: 'step', message: `counting the rows of ${expected.length} tables` })
  const found = await engine.count(expected, signal)
  const differences = rowDifferences(expected, found)
  if (differences.length > 0) {
    const first = differences
      .slice(0, 10)
      .map(
        ({ table, expected: rows, found: now }) => `${table}: ${rows} dumped, ${now ?? 'no such table'} now`,
      )
    throw new LifeboatError(
      'integrity',
      `unable to verify the restore into ${engine.target}: ${differences.length} of ${expected.length} tables differ\n${first.join('\n')}`,
      {
        hint: 'Everything was loaded, but rows differ. Make sure that nobody else writes to the target, then run again with --replace.',
        details: { differences },
      },
    )
  }
  return {
    tables: expected.length,
    rows: expected.reduce((sum, table) => sum + (table.rows ?? 0), 0),
    verified: true,
  }
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, 8).map((name) => `'${name}'`)
  return list.length > shown.length
    ? `${shown.join(', ')} and ${list.length - shown.length} more`
    : shown.join(', ')
}
