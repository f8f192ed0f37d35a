import type { TdsEvent, TdsValue } from '../backend.ts'
import { MessageBrokenOff } from './message.ts'
import { DONE, TdsProtocolError, type TdsVersion, TOKEN } from './protocol.ts'
import type { Response } from './response.ts'
import {
  writeColumns,
  writeDatabase,
  writeDone,
  writeMessage,
  writeReturnStatus,
  writeReturnValue,
} from './tokens.ts'

/** What the backend asked for instead of going on. */
export type Ending = 'answered' | 'disconnect' | 'stall'

export interface AnswerOptions {
  readonly response: Response
  readonly version: TdsVersion
  /** Statements of a procedure end otherwise than those of a batch. */
  readonly isProcedure: boolean
  readonly database: { name: string }
  readonly signal: AbortSignal
  /** For what no backend should do: throw. The client gets it as an error. */
  readonly onFailure: (error: Error) => void
}

interface Statement {
  readonly rows: number | undefined
  readonly hadColumns: boolean
  readonly failed: boolean
}

/** Writes a backend's events as tokens, without the end of the message. */
export async function writeAnswer(events: AsyncIterable<TdsEvent>, options: AnswerOptions): Promise<Ending> {
  const { response, version, isProcedure, database, signal } = options
  const { writer } = response
  let writeRow: ((values: readonly TdsValue[]) => void) | undefined
  let failed = false
  let hadStatus = false
  let ordinal = 0
  /** Only what comes next tells whether it is the last. */
  let held: Statement | undefined

  function release(more: boolean): void {
    if (held === undefined) return
    const status =
      (more ? DONE.more : 0) | (held.failed ? DONE.error : 0) | (held.rows === undefined ? 0 : DONE.count)
    const { rows, hadColumns } = held
    writeDone(writer, isProcedure ? TOKEN.doneInProc : TOKEN.done, { status, rows, hadColumns }, version)
    held = undefined
  }

  function fail(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    options.onFailure(error)
    const message = `the test server's backend failed: ${error.message}`
    writeMessage(writer, TOKEN.error, { number: 50_000, severity: 16, message }, version)
    failed = true
  }

  try {
    for await (const event of events) {
      if (signal.aborted) break
      const start = writer.length
      try {
        release(true)
        switch (event.kind) {
          case 'columns':
            writeRow = writeColumns(writer, event.columns, version)
            break
          case 'row':
            if (writeRow === undefined) throw new Error('a row came before its columns')
            writeRow(event.values)
            break
          case 'done':
            held = { rows: event.rows, hadColumns: writeRow !== undefined, failed }
            writeRow = undefined
            failed = false
            break
          case 'info':
            writeMessage(
              writer,
              TOKEN.info,
              { number: event.number, severity: 0, message: event.message },
              version,
            )
            break
          case 'error':
            writeMessage(writer, TOKEN.error, event, version)
            failed = true
            break
          case 'database':
            writeDatabase(writer, event.name, database.name, version)
            database.name = event.name
            break
          case 'return-value':
            writeReturnValue(writer, event, ordinal, version)
            ordinal += 1
            break
          case 'return-status':
            writeReturnStatus(writer, event.value)
            hadStatus = true
            break
          case 'disconnect':
          case 'stall':
            return event.kind
        }
      } catch (thrown) {
        // Half a token must not go out.
        writer.cut(start)
        fail(thrown)
        break
      }
      await response.flow()
    }
  } catch (thrown) {
    // What the client did is no answer of the backend.
    if (thrown instanceof MessageBrokenOff || thrown instanceof TdsProtocolError) throw thrown
    if (!signal.aborted) fail(thrown)
  }
  if (isProcedure) {
    release(true)
    if (!hadStatus) writeReturnStatus(writer, failed ? 1 : 0)
    writeDone(writer, TOKEN.doneProc, { status: failed ? DONE.error : 0 }, version)
  } else if (held !== undefined && !failed) release(false)
  else {
    release(true)
    writeDone(writer, TOKEN.done, { status: failed ? DONE.error : 0 }, version)
  }
  return 'answered'
}
