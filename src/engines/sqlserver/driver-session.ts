import { type Connection, ISOLATION_LEVEL, Request, TYPES } from 'tedious'
import { abortReason, LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { bulkLoad } from './bulk-load.ts'
import { type DriverColumn, valueReader } from './driver-values.ts'
import { queryError, sqlNumberOf } from './failures.ts'
import { streamRows } from './row-stream.ts'
import type { Session, SqlRow, SqlValue } from './session.ts'

/** The driver's way to say that a request is over. */
export type Completion = (failure?: Error | null, rows?: number) => void

/** What the parts of a session share: one request at a time, ended by its signal. */
export interface Turn {
  readonly connection: Connection
  /** Starts a request and waits for its end, whatever that is; gives the rows that the server has counted. */
  perform(start: (done: Completion) => void, sql: string, signal: AbortSignal): Promise<number>
  /** For what outlasts one call: taken until it is given back. */
  take(): () => void
  explain(thrown: unknown, sql: string, signal: AbortSignal): Error
}

type DriverRow = readonly { readonly value: unknown }[]
type RowReader = (columns: DriverRow) => SqlRow

const ROLLBACK_MS = 30_000

const LEVELS = {
  snapshot: ISOLATION_LEVEL.SNAPSHOT,
  'read committed': ISOLATION_LEVEL.READ_COMMITTED,
} as const

export function createDriverSession(connection: Connection, database: string, onClose: () => void): Session {
  let busy = false
  let ended = false
  connection.on('end', () => {
    ended = true
  })

  /** What the server said of the request under way. A grave error ends the connection, which then says only that. */
  let said: Error[] = []
  connection.on('errorMessage', ({ message, number }) => {
    said.push(Object.assign(new Error(message), { number }))
  })

  const turn: Turn = {
    connection,
    take() {
      // The protocol has one answer under way: who asks in the middle of a stream has mixed up two sessions.
      if (busy) throw new Error('a session does one thing at a time')
      busy = true
      said = []
      return () => {
        busy = false
      }
    },
    async perform(start, sql, signal) {
      throwIfAborted(signal)
      const giveBack = turn.take()
      // Answered within the driver's cancelTimeout, or the connection is closed: either completes the request.
      const cancel = () => connection.cancel()
      signal.addEventListener('abort', cancel, { once: true })
      try {
        return await new Promise<number>((resolve, reject) => {
          start((failure, rows) => {
            if (failure === undefined || failure === null) resolve(rows ?? 0)
            else reject(failure)
          })
        })
      } catch (thrown) {
        throw turn.explain(thrown, sql, signal)
      } finally {
        signal.removeEventListener('abort', cancel)
        giveBack()
      }
    },
    explain(thrown, sql, signal) {
      if (signal.aborted) return abortReason(signal)
      if (thrown instanceof LifeboatError) return thrown
      const isLast = sqlNumberOf(thrown) === undefined && said.length > 0
      return queryError(isLast ? new AggregateError(said) : thrown, database, sql)
    },
  }

  async function begin(isolation: keyof typeof LEVELS, signal: AbortSignal): Promise<void> {
    await turn.perform(
      (done) => connection.beginTransaction((failure) => done(failure), '', LEVELS[isolation]),
      `BEGIN TRANSACTION (${isolation})`,
      signal,
    )
  }

  /** Where it can't be rolled back, the end of the connection does it. */
  async function rollBack(): Promise<void> {
    if (ended) return
    const limit = AbortSignal.timeout(ROLLBACK_MS)
    try {
      await turn.perform(
        (done) => connection.rollbackTransaction((failure) => done(failure)),
        'ROLLBACK',
        limit,
      )
    } catch {
      // Error 3903: the server has rolled back already. Whoever rolls back has its own error to tell.
      connection.close()
    }
  }

  return {
    async query(sql, signal, parameters) {
      const rows: SqlRow[] = []
      await turn.perform(
        (done) => {
          let broken: Error | undefined
          let read: RowReader | undefined
          const request = new Request(sql, (failure, count) => done(failure ?? broken, count))
          request.on('columnMetadata', (columns) => {
            read = rowReader(columns as readonly DriverColumn[])
          })
          request.on('row', (columns: DriverRow) => {
            if (broken !== undefined || read === undefined) return
            try {
              rows.push(read(columns))
            } catch (thrown) {
              broken = thrown as Error
            }
          })
          if (parameters === undefined) return connection.execSqlBatch(request)
          for (const [name, value] of Object.entries(parameters)) bind(request, name, value)
          connection.execSql(request)
        },
        sql,
        signal,
      )
      return rows
    },
    async batch(sql, signal) {
      const messages: string[] = []
      const listen = ({ message }: { readonly message: string }) => void messages.push(message)
      connection.on('infoMessage', listen)
      try {
        await turn.perform((done) => connection.execSqlBatch(new Request(sql, done)), sql, signal)
      } finally {
        connection.off('infoMessage', listen)
      }
      return messages
    },
    stream: (sql, signal) => streamRows(turn, sql, signal),
    bulk: (table, columns, rows, options, signal) =>
      bulkLoad(turn, { table, columns, rows, options }, signal),
    async transaction(isolation, work, signal) {
      await begin(isolation, signal)
      let result: Awaited<ReturnType<typeof work>>
      try {
        result = await work()
        throwIfAborted(signal)
      } catch (thrown) {
        // Whoever gives up does not wait for the server: it rolls back what a lost connection leaves.
        if (signal.aborted) connection.close()
        else await rollBack()
        throw thrown
      }
      await turn.perform((done) => connection.commitTransaction((failure) => done(failure)), 'COMMIT', signal)
      return result
    },
    async [Symbol.asyncDispose]() {
      if (!ended) connection.close()
      ended = true
      onClose()
    },
  }
}

function rowReader(columns: readonly DriverColumn[]): RowReader {
  const readers = columns.map((column) => ({ name: column.colName, read: valueReader(column) }))
  return (values) =>
    Object.fromEntries(readers.map(({ name, read }, index) => [name, read(values[index]?.value)]))
}

function bind(request: Request, name: string, value: SqlValue): void {
  // The driver knows Buffers only.
  const bound = value instanceof Uint8Array ? Buffer.from(value) : value
  request.addParameter(name, parameterType(value), bound)
}

function parameterType(value: SqlValue): (typeof TYPES)['Int'] {
  switch (typeof value) {
    case 'bigint':
      return TYPES.BigInt
    case 'boolean':
      return TYPES.Bit
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? TYPES.Int : TYPES.Float
    default:
      return value instanceof Uint8Array ? TYPES.VarBinary : TYPES.NVarChar
  }
}
