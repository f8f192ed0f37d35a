import { createHash } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { layout, newBackupId } from '../core/backup-layout.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { makeFolders } from '../core/make-folders.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { NativeBackup, NativeDumpPort, NativeDumpState } from '../runbooks/ports/native-restore.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import { readNativeBackup } from './native-backup.ts'
import type { OnEvent } from './run-event.ts'

export interface NativeDumpRequest {
  readonly plan: NativeDumpPort['plan']
  /** Where it will lie. */
  readonly sink: Sink
  readonly trust?: SignatureTrust
  /** Makes it, under this id. `source` is null where a job of the configuration says whom to dump. */
  dump(source: Endpoint | null, id: string, onEvent: OnEvent, signal: AbortSignal): Promise<void>
  /** Remembers what was begun, and as which backup, for the process that goes on after this one. */
  readonly folder: string
  readonly clock: Clock
  readonly onEvent: OnEvent
}

export type NativeDump = NativeDumpPort & AsyncDisposable

interface Begun {
  readonly id: string
}

/**
 * A dump goes on beside the runbook that waits for it, and ends with it. Its id is written down before it begins: whether one of a
 * dead process was whole its manifest at the sink says. One that was not is made anew, as another backup.
 */
export function createNativeDump(request: NativeDumpRequest): NativeDump {
  const { plan, sink, folder, clock } = request
  const stop = new AbortController()
  const here = new Map<string, NativeDumpState>()
  const running = new Set<Promise<void>>()
  const pathOf = (run: string) =>
    join(
      folder,
      `${createHash('sha256').update(`${sink.name} ${plan.job} ${run}`).digest('hex').slice(0, 32)}.json`,
    )

  async function keep(run: string, begun: Begun): Promise<void> {
    await makeFolders(folder)
    await writeFile(`${pathOf(run)}.new`, JSON.stringify(begun), { mode: 0o600, flush: true })
    await rename(`${pathOf(run)}.new`, pathOf(run))
  }

  async function stored(id: string, signal: AbortSignal): Promise<NativeBackup | undefined> {
    const { job } = plan
    if ((await sink.stat(layout.manifest(job, id), signal)) === undefined) return undefined
    return readNativeBackup({ ...request, job }, id, signal)
  }

  function tell(run: string): OnEvent {
    let estimateBytes: number | undefined
    return (event) => {
      request.onEvent(event)
      if (event.kind === 'probed') estimateBytes = event.probe.estimateBytes
      if (event.kind !== 'progress' || estimateBytes === undefined || estimateBytes === 0) return
      // An estimate: what is not whole yet is never shown as if it were.
      const percent = Math.min(99, Math.floor((event.plainBytes / estimateBytes) * 100))
      here.set(run, { state: 'running', reason: 'being dumped', percent })
    }
  }

  async function make(run: string, source: Endpoint | null, id: string): Promise<void> {
    await request.dump(source, id, tell(run), stop.signal)
    const backup = await stored(id, stop.signal)
    if (backup === undefined) throw new LifeboatError('internal', `backup '${id}' is not where it was stored`)
    here.set(run, { state: 'done', backup })
  }

  async function look(run: string, signal: AbortSignal): Promise<NativeDumpState> {
    const known = here.get(run)
    if (known !== undefined) return known
    const begun = await read(pathOf(run))
    const backup = begun === undefined ? undefined : await stored(begun.id, signal)
    if (backup === undefined) return { state: 'none' }
    const done: NativeDumpState = { state: 'done', backup }
    here.set(run, done)
    return done
  }

  return {
    ...{ plan, look },
    async begin(run, source, signal) {
      const { state } = await look(run, signal)
      if (state === 'running' || state === 'done') return
      const id = newBackupId(clock.now())
      await keep(run, { id })
      here.set(run, { state: 'running', reason: 'being dumped' })
      const made = make(run, source, id).catch(async (thrown: unknown) => {
        here.set(run, failedOf(thrown))
        // Stored, perhaps, but not what was to be: the next attempt makes another.
        if (!stop.signal.aborted) await rm(pathOf(run), { force: true })
      })
      running.add(made)
      void made.finally(() => running.delete(made))
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new LifeboatError('interrupted', 'unable to go on with the dump: its run has ended'))
      await Promise.all(running)
    },
  }
}

function failedOf(thrown: unknown): NativeDumpState {
  const hint = thrown instanceof LifeboatError ? thrown.hint : undefined
  return { state: 'failed', reason: messageOf(thrown), ...(hint !== undefined && { hint }) }
}

async function read(path: string): Promise<Begun | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Begun
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}
