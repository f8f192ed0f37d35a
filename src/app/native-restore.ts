import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { Engine } from '../core/engine.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { makeFolders } from '../core/make-folders.ts'
import type { Manifest } from '../core/manifest.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { Stage } from '../core/stage.ts'
import type { NativeRestorePort, NativeRestoreState } from '../runbooks/ports/native-restore.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import { resolveBackupId } from './catalog.ts'
import { readNativeBackup } from './native-backup.ts'
import { type RestoreReport, runRestore } from './restore.ts'
import type { OnEvent } from './run-event.ts'

export interface NativeRestoreRequest {
  readonly sink: Sink
  readonly job: string
  /** The account that restores, at whichever endpoint; undefined where none was named. */
  readonly openEngine: ((endpoint: Endpoint) => Promise<Engine>) | undefined
  readonly decoders: (manifest: Manifest) => Promise<readonly Stage[]>
  readonly jobs: number
  readonly trust?: SignatureTrust
  /** Remembers what was begun and what is whole, for the process that goes on after this one. */
  readonly folder: string
  readonly clock: Clock
  readonly onEvent: OnEvent
}

type Kept = { readonly state: 'begun' } | (NativeRestoreState & { readonly state: 'done' })

/**
 * Restores go on beside the runbook that waits for them, and end with it: disposing of it stops what is under way. One that a dead
 * process has left half loaded is begun anew, and drops what the backup names first: it is the target's only content.
 */
export function createNativeRestore(request: NativeRestoreRequest): NativeRestorePort & AsyncDisposable {
  const { sink, job, folder, openEngine } = request
  const stop = new AbortController()
  const here = new Map<string, NativeRestoreState>()
  const running = new Set<Promise<void>>()
  const pathOf = (name: string) =>
    join(folder, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.json`)

  async function keep(name: string, kept: Kept): Promise<void> {
    await makeFolders(folder)
    await writeFile(`${pathOf(name)}.new`, JSON.stringify(kept), { mode: 0o600, flush: true })
    await rename(`${pathOf(name)}.new`, pathOf(name))
  }

  async function restore(name: string, id: string, endpoint: Endpoint, isAgain: boolean): Promise<void> {
    if (openEngine === undefined) throw nobody()
    await using engine = await openEngine(endpoint)
    const { trust, decoders, jobs, clock, onEvent } = request
    const report = await runRestore(
      {
        ...{ engine, sink, job, id, decoders, jobs, clock, onEvent, ...(trust !== undefined && { trust }) },
        ...{ replace: isAgain, alongside: false, sameServerOk: false },
      },
      stop.signal,
    )
    for (const { what, reason } of report.notRestored)
      onEvent({ kind: 'warning', message: `not restored: ${what}: ${reason}` })
    const done = doneOf(report)
    await keep(name, done)
    here.set(name, done)
  }

  return {
    async newest(signal) {
      const id = await resolveBackupId(sink, job, 'latest', signal).catch((thrown: unknown) => {
        if (thrown instanceof LifeboatError && thrown.code === 'sink-not-found') return undefined
        throw thrown
      })
      return id === undefined ? undefined : readNativeBackup(request, id, signal)
    },
    async look(backup, endpoint) {
      const name = nameOf(sink, job, backup, endpoint)
      const known = here.get(name)
      if (known !== undefined) return known
      const kept = await read(pathOf(name))
      return kept?.state === 'done' ? kept : { state: 'none' }
    },
    async begin(backup, endpoint) {
      const name = nameOf(sink, job, backup, endpoint)
      const known = here.get(name)?.state
      const kept = await read(pathOf(name))
      if (known === 'running' || known === 'done' || kept?.state === 'done') return
      if (openEngine === undefined) {
        here.set(name, failedOf(nobody()))
        return
      }
      await keep(name, { state: 'begun' })
      here.set(name, { state: 'running', reason: 'being loaded' })
      const run = restore(name, backup, endpoint, kept !== undefined).catch((thrown: unknown) => {
        here.set(name, failedOf(thrown))
      })
      running.add(run)
      void run.finally(() => running.delete(run))
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new LifeboatError('interrupted', 'unable to go on with the restore: its run has ended'))
      await Promise.all(running)
    },
  }
}

function nameOf(sink: Sink, job: string, backup: string, { host, port }: Endpoint): string {
  return [sink.name, job, backup, host, port].join(' ')
}

function nobody(): LifeboatError {
  return new LifeboatError('usage', 'unable to log in: no account was named', {
    hint: 'Name it with --login mysql://USER@any --password prompt:',
  })
}

function failedOf(thrown: unknown): NativeRestoreState {
  const hint = thrown instanceof LifeboatError ? thrown.hint : undefined
  return { state: 'failed', reason: messageOf(thrown), ...(hint !== undefined && { hint }) }
}

function doneOf({ tables, rows, verified }: RestoreReport): NativeRestoreState & { readonly state: 'done' } {
  return { state: 'done', tables, rows, verified }
}

async function read(path: string): Promise<Kept | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}
