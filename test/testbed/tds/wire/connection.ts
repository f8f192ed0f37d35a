import { randomBytes } from 'node:crypto'
import type { TdsBackend, TdsEvent, TdsSession } from '../backend.ts'
import { type AnswerOptions, type Ending, writeAnswer } from './answer.ts'
import { readBulkRows } from './bulk-rows.ts'
import { type ByteCursor, createByteCursor } from './byte-cursor.ts'
import { type LoggedIn, shakeHands } from './handshake.ts'
import { MessageBrokenOff, messagePieces, readMessage } from './message.ts'
import type { Packet } from './packets.ts'
import { DONE, PACKET, STATUS, TdsProtocolError, type TdsVersion, TOKEN } from './protocol.ts'
import { createResponse, type Response } from './response.ts'
import { readRpc } from './rpc.ts'
import { ENVIRONMENT, writeDone, writeEnvironment, writeMessage } from './tokens.ts'
import { readTransactionRequest, type TransactionRequest } from './transaction-request.ts'
import type { Transport } from './transport.ts'

export interface ConnectionOptions {
  readonly transport: Transport
  readonly backend: TdsBackend
  readonly encryption: 'off' | 'offered' | 'required'
  readonly attention: Attention
  readonly onLogin: (loggedIn: LoggedIn) => void
  readonly onFailure: (error: Error) => void
}

/** Cancels what runs, or, when the cancelling came before its request was begun, what begins next. */
export interface Attention {
  raise(): void
  answered(): void
  begin(gone: AbortSignal): AbortSignal
}

export function createAttention(): Attention {
  let waiting = 0
  let running = new AbortController()
  return {
    raise() {
      waiting += 1
      running.abort(new DOMException('the client cancelled its request', 'AbortError'))
    },
    answered() {
      waiting -= 1
    },
    begin(gone) {
      running = new AbortController()
      if (waiting > 0) running.abort(new DOMException('the client cancelled its request', 'AbortError'))
      return AbortSignal.any([gone, running.signal])
    },
  }
}

/** Serves one client from its first byte to its last. Rejects when the client breaks the protocol. */
export async function serveConnection(options: ConnectionOptions): Promise<void> {
  const { transport } = options
  const loggedIn = await shakeHands(options)
  if (loggedIn === undefined) return transport.close()
  options.onLogin(loggedIn)
  try {
    await serveRequests(loggedIn, options)
  } finally {
    loggedIn.session.close()
  }
}

async function serveRequests({ login, session }: LoggedIn, options: ConnectionOptions): Promise<void> {
  const { transport, attention } = options
  const { version } = login
  const database = { name: session.database }
  const transactions = createTransactions()
  let bulkText: string | undefined

  const runEvents = (
    response: Response,
    events: AsyncIterable<TdsEvent>,
    signal: AbortSignal,
    isProcedure: boolean,
  ): Promise<Ending> => {
    const answer: AnswerOptions = {
      response,
      version,
      isProcedure,
      database,
      signal,
      onFailure: options.onFailure,
    }
    return writeAnswer(events, answer)
  }

  async function serve(first: Packet, response: Response, signal: AbortSignal): Promise<Ending> {
    if (first.type === PACKET.bulk) {
      const pieces = messagePieces(first, transport.packets)
      const sql = bulkText
      bulkText = undefined
      if (sql === undefined) throw new TdsProtocolError('rows of a bulk load came without INSERT BULK')
      return runEvents(response, bulkEvents(session, sql, pieces, version, signal), signal, false)
    }
    const cursor = createByteCursor(await readMessage(first, transport.packets))
    if (version >= 72) skipHeaders(cursor)
    switch (first.type) {
      case PACKET.batch: {
        const sql = cursor.utf16(Math.trunc(cursor.left / 2))
        bulkText = /^\s*insert\s+bulk\s/i.test(sql) ? sql : undefined
        return runEvents(response, session.batch(sql, signal), signal, false)
      }
      case PACKET.rpc: {
        for (const call of readRpc(cursor, version)) {
          const ending = await runEvents(
            response,
            session.rpc(call.name, call.parameters, signal),
            signal,
            true,
          )
          if (ending !== 'answered') return ending
        }
        return 'answered'
      }
      case PACKET.transaction:
        await runTransaction(response, session, readTransactionRequest(cursor), transactions, version)
        return 'answered'
      default:
        throw new TdsProtocolError(`a packet of type ${first.type} came after the login`)
    }
  }

  for (;;) {
    const first = await transport.packets.next()
    if (first === undefined) return
    if ((first.status & (STATUS.resetConnection | STATUS.resetKeepTransaction)) !== 0) {
      throw new TdsProtocolError('the client asks to reset the connection, which this endpoint does not do')
    }
    const response = createResponse(transport, login.packetSize)
    if (first.type === PACKET.attention) {
      attention.answered()
      writeDone(response.writer, TOKEN.done, { status: DONE.attention }, version)
      await response.end()
      continue
    }
    let ending: Ending = 'answered'
    try {
      ending = await serve(first, response, attention.begin(transport.gone))
    } catch (thrown) {
      if (!(thrown instanceof MessageBrokenOff)) throw thrown
      writeDone(response.writer, TOKEN.done, { status: DONE.error }, version)
    }
    if (transport.gone.aborted) return
    if (ending === 'answered') await response.end()
    else {
      await response.flush()
      if (ending === 'disconnect') return transport.close()
      await new Promise<void>((resolve) => transport.gone.addEventListener('abort', () => resolve()))
      return
    }
  }
}

/** ALL_HEADERS: the transaction's descriptor and its like, which drivers give back as they were given. */
function skipHeaders(cursor: ByteCursor): void {
  const bytes = cursor.u32()
  if (bytes < 4) throw new TdsProtocolError(`headers of ${bytes} bytes are shorter than their length`)
  cursor.bytes(bytes - 4)
}

async function* bulkEvents(
  session: TdsSession,
  sql: string,
  pieces: AsyncGenerator<Buffer>,
  version: TdsVersion,
  signal: AbortSignal,
): AsyncGenerator<TdsEvent> {
  let broken: unknown
  const watched = (async function* () {
    try {
      yield* pieces
    } catch (thrown) {
      broken = thrown
      throw thrown
    }
  })()
  const bulk = await readBulkRows(watched, version)
  if (bulk === undefined) {
    yield { kind: 'done', rows: 0 }
    return
  }
  try {
    yield* session.bulk(sql, bulk.columns, bulk.rows, signal)
  } catch (thrown) {
    throw broken ?? thrown
  }
  // A backend that refused the rows still gets its client's whole message out of the way.
  while (broken === undefined && (await watched.next()).done !== true);
  if (broken !== undefined) throw broken
}

interface Transactions {
  begin(): Buffer
  end(): Buffer
  save(name: string): void
  isSaved(name: string): boolean
}

const NO_DESCRIPTOR = Buffer.alloc(8)

function createTransactions(): Transactions {
  let descriptor: Buffer = NO_DESCRIPTOR
  const saved = new Set<string>()
  return {
    begin() {
      descriptor = randomBytes(8)
      return descriptor
    },
    end() {
      const ended = descriptor
      descriptor = NO_DESCRIPTOR
      saved.clear()
      return ended
    },
    save: (name) => void saved.add(name),
    isSaved: (name) => saved.has(name),
  }
}

async function runTransaction(
  response: Response,
  session: TdsSession,
  request: TransactionRequest,
  transactions: Transactions,
  version: TdsVersion,
): Promise<void> {
  const { writer } = response
  const { isolation, name } = request
  try {
    await session.transaction(request.request, {
      ...(isolation === undefined ? {} : { isolation }),
      ...(name === undefined ? {} : { name }),
    })
  } catch (thrown) {
    const { message, number } = thrown as Error & { readonly number?: number }
    writeMessage(writer, TOKEN.error, { number: number ?? 50_000, severity: 16, message }, version)
    writeDone(writer, TOKEN.done, { status: DONE.error }, version)
    return
  }
  const none = Buffer.alloc(0)
  if (request.request === 'begin') {
    writeEnvironment(writer, ENVIRONMENT.transactionBegun, transactions.begin(), none)
  } else if (request.request === 'commit') {
    writeEnvironment(writer, ENVIRONMENT.transactionCommitted, none, transactions.end())
  } else if (request.request === 'save') {
    transactions.save(name ?? '')
  } else if (name === undefined || !transactions.isSaved(name)) {
    writeEnvironment(writer, ENVIRONMENT.transactionRolledBack, none, transactions.end())
  }
  writeDone(writer, TOKEN.done, { status: 0 }, version)
}
