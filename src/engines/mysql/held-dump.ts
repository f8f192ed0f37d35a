import type { Bytes } from '../../core/bytes.ts'
import { abortReason, LifeboatError } from '../../core/errors.ts'
import { readDump } from './dump-command.ts'
import type { ServerAccess } from './server-access.ts'
import type { SnapshotGate } from './snapshot-gate.ts'
import type { Tool } from './tools.ts'

/** A run of the dump tool that waits at its gate: first for its snapshot, then for its reader. */
export interface HeldDump extends AsyncDisposable {
  readonly gate: SnapshotGate
  /** Resolves when the tool waits for its snapshot. */
  ready(): Promise<void>
  /** Lets it go on. Once only. */
  read(signal: AbortSignal): Bytes
}

/** Starts the tool at once. `onFailure` hears of a tool that ends while it should wait. */
export async function holdDump(
  from: {
    readonly access: ServerAccess
    readonly tool: Tool
    readonly args: readonly string[]
    readonly singleBytes: boolean
  },
  onFailure: (thrown: unknown) => void,
  signal: AbortSignal,
): Promise<HeldDump> {
  const terms = { shared: true, singleBytes: from.singleBytes }
  const { gate, ...file } = await from.access.gatedOptionFile(from.tool, terms, signal)
  const stop = new AbortController()
  const bytes = readDump(from.tool, file, from.args, AbortSignal.any([signal, stop.signal]))
  const output = bytes[Symbol.asyncIterator]()
  // The head of a dump may come before the snapshot; an end may not.
  const first = output.next()
  let reading = false
  const early = first.then(({ done }) => {
    if (done === true && !reading) throw endedEarly(from.tool)
  })
  early.catch((thrown: unknown) => {
    if (!reading && !stop.signal.aborted) onFailure(thrown)
  })

  async function close(): Promise<void> {
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    // At once: a tool behind a wrapper that was killed before it ends when its connection does.
    await gate[Symbol.asyncDispose]()
    // Whoever closes has the error, or needs none.
    await first.catch(() => undefined)
    await output.return?.().catch(() => undefined)
  }

  return {
    gate,
    async ready() {
      await Promise.race([gate.reached, early.then(() => new Promise<never>(() => undefined))])
    },
    async *read(inner) {
      const onAbort = () => stop.abort(abortReason(inner))
      if (inner.aborted) onAbort()
      inner.addEventListener('abort', onAbort, { once: true })
      reading = true
      gate.proceed()
      try {
        for (let next = await first; next.done !== true; next = await output.next()) yield next.value
      } catch (thrown) {
        throw gate.refusal() ?? thrown
      } finally {
        inner.removeEventListener('abort', onAbort)
        await close()
      }
    },
    [Symbol.asyncDispose]: close,
  }
}

function endedEarly(tool: Tool): LifeboatError {
  return new LifeboatError(
    'tool-failed',
    `unable to dump with several jobs: '${tool.name}' ended without asking for a snapshot`,
    { hint: 'Run with --jobs 1, and report the version of the dump tool.' },
  )
}
