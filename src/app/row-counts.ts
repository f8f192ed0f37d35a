import type { Engine } from '../core/engine.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { Manifest } from '../core/manifest.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import type { RowComparison, RowCountPort, RowCountState } from '../runbooks/ports/row-counts.ts'
import { readTrusted, resolveBackupId } from './catalog.ts'
import { rowDifferences } from './compare-rows.ts'
import { readContents } from './restore.ts'
import type { OnEvent } from './run-event.ts'

export interface RowCountRequest {
  readonly sink: Sink
  readonly job: string
  /** Undefined or `latest` takes the newest. */
  readonly id: string | undefined
  readonly openEngine: (endpoint: Endpoint) => Promise<Engine>
  readonly decoders: (manifest: Manifest) => Promise<readonly Stage[]>
  readonly trust?: SignatureTrust
  readonly onEvent: OnEvent
}

/** Counts go on beside whoever waits for them, and end with it: disposing of it stops them. */
export function createRowCounts(request: RowCountRequest): RowCountPort & AsyncDisposable {
  const stop = new AbortController()
  const states = new Map<string, RowCountState>()
  const running = new Set<Promise<void>>()
  return {
    look({ host, port }) {
      const name = `${host}:${port}`
      const known = states.get(name)
      if (known !== undefined) {
        // Whoever looks again hopes for something else.
        if (known.state === 'failed') states.delete(name)
        return Promise.resolve(known)
      }
      const begun: RowCountState = { state: 'running', reason: 'counting rows' }
      states.set(name, begun)
      const run = compareRows(request, { host, port }, stop.signal).then(
        (compared) => void states.set(name, { state: 'done', ...compared }),
        (thrown: unknown) => void states.set(name, failedOf(thrown)),
      )
      running.add(run)
      void run.finally(() => running.delete(run))
      return Promise.resolve(begun)
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new LifeboatError('interrupted', 'unable to go on counting: nobody waits for it any more'))
      await Promise.all(running)
    },
  }
}

/** Exact, on both sides: the backup has its counts from its own snapshot. */
async function compareRows(
  request: RowCountRequest,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<RowComparison> {
  const { sink, job, openEngine, decoders } = request
  const id = await resolveBackupId(sink, job, request.id, signal)
  const { manifest } = await readTrusted(request, id, signal)
  const refuse = (reason: string, hint: string) =>
    new LifeboatError('unsupported', `unable to compare with backup '${id}': ${reason}`, { hint })
  if (manifest.counts === 'off')
    throw refuse('its rows were not counted when it was made', 'Name another one with --backup ID.')
  const contents = await readContents(sink, manifest, await decoders(manifest), signal)
  const expected = contents.tables.filter(({ rows }) => rows !== undefined)
  await using engine = await openEngine(endpoint)
  if (engine.name !== manifest.engine)
    throw refuse(
      `it is of ${manifest.engine}, and --login of ${engine.name}`,
      'Name the --job of its backups.',
    )
  const now = await engine.count(expected, signal)
  const differences = rowDifferences(expected, now)
  return {
    ...{ backup: id, ended: manifest.ended, tables: expected.length },
    rows: expected.reduce((sum, { rows = 0 }) => sum + rows, 0),
    rowsNow: now.reduce((sum, { rows = 0 }) => sum + rows, 0),
    missing: differences.flatMap(({ table, found }) => (found === null ? [table] : [])),
    fewer: differences.flatMap(({ table, expected: was, found }) =>
      found !== null && found < was ? [{ table, backup: was, now: found }] : [],
    ),
  }
}

function failedOf(thrown: unknown): RowCountState {
  const hint = thrown instanceof LifeboatError ? thrown.hint : undefined
  return { state: 'failed', reason: messageOf(thrown), ...(hint !== undefined && { hint }) }
}
