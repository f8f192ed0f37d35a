import { Request } from 'tedious'
import { throwIfAborted } from '../../core/errors.ts'
import type { Turn } from './driver-session.ts'
import { type DriverColumn, valueReader } from './driver-values.ts'
import type { SqlValue } from './session.ts'

/** What may lie read and unwanted before the server is told to wait. */
const HELD_BYTES = 1024 * 1024
const HELD_ROWS = 1024

type Row = readonly SqlValue[]

/**
 * The rows of a result. It ends well only when the server said that it is done and no error came, not even after the
 * last row; whoever stops early has the request cancelled, and the session is free when this has returned.
 */
export async function* streamRows(turn: Turn, sql: string, signal: AbortSignal): AsyncGenerator<Row> {
  throwIfAborted(signal)
  const giveBack = turn.take()
  let held: Row[] = []
  let heldBytes = 0
  let failure: Error | undefined
  let over = false
  let wake: () => void = () => undefined
  let read: ((values: readonly { readonly value: unknown }[]) => Row) | undefined

  const request = new Request(sql, (thrown) => {
    failure ??= thrown ?? undefined
    over = true
    wake()
  })
  request.on('columnMetadata', (columns) => {
    const readers = (columns as readonly DriverColumn[]).map(valueReader)
    read = (values) => readers.map((reader, index) => reader(values[index]?.value))
  })
  request.on('row', (values: readonly { readonly value: unknown }[]) => {
    if (failure !== undefined || read === undefined) return
    try {
      const row = read(values)
      held.push(row)
      heldBytes += sizeOf(row)
    } catch (thrown) {
      failure = thrown as Error
      request.cancel()
    }
    if (held.length >= HELD_ROWS || heldBytes >= HELD_BYTES) request.pause()
    wake()
  })
  const cancel = () => request.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  turn.connection.execSqlBatch(request)
  try {
    for (;;) {
      if (held.length === 0) {
        if (over) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        throwIfAborted(signal)
        continue
      }
      throwIfAborted(signal)
      const rows = held
      held = []
      heldBytes = 0
      // The server goes on sending while these are written.
      request.resume()
      yield* rows
    }
    if (failure !== undefined) throw turn.explain(failure, sql, signal)
    throwIfAborted(signal)
  } finally {
    signal.removeEventListener('abort', cancel)
    if (!over) await cancelled()
    giveBack()
  }

  /** The driver ends it within its cancelTimeout, by the server's answer or by closing the connection. */
  async function cancelled(): Promise<void> {
    failure ??= new Error('nobody reads on')
    const ended = new Promise<void>((resolve) => {
      wake = () => {
        if (over) resolve()
      }
    })
    request.cancel()
    await ended
  }
}

/** Roughly what a row holds in memory. */
function sizeOf(row: Row): number {
  let bytes = 0
  for (const value of row) {
    if (typeof value === 'string') bytes += value.length * 2
    else bytes += value instanceof Uint8Array ? value.length : 8
  }
  return bytes
}
