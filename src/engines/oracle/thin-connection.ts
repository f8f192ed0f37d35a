import oracledb from 'oracledb'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { abortReason, LifeboatError, throwIfAborted } from '../../core/errors.ts'
import type { SecretSource } from '../../core/secret.ts'
import { orAborted } from '../../core/until-aborted.ts'
import {
  type Binds,
  type ConnectionSource,
  type OracleConnection,
  type OracleRow,
  type OracleValue,
  type OutBind,
  RAW_BYTES,
} from './connection.ts'
import { type DialProxy, startDialProxy } from './dial-proxy.ts'
import { dropSession } from './driver-socket.ts'
import { readDriverTrust } from './driver-trust.ts'
import { connectionError, statementError } from './failures.ts'
import { readService } from './url-options.ts'

export const DEFAULT_PORT = 1521
const CONNECT_TIMEOUT_S = 20
const KEEPALIVE_MINUTES = 1
const CLOSE_MS = 5_000
const BREAK_MS = 2_000
/** Room for names and messages where a statement says nothing else. */
const STRING_BYTES = 4_000

/** Sessions by the thin driver: no client of Oracle's has to be installed. */
export function createThinSource(
  url: DatabaseUrl,
  given: {
    readonly password: SecretSource | undefined
    readonly sid: string | undefined
    readonly wallet: string | undefined
  },
): ConnectionSource {
  const service = readService(url)
  const host = url.host ?? ''
  const port = url.port ?? DEFAULT_PORT
  let proxy: Promise<DialProxy> | undefined

  function findProxy(): Promise<DialProxy> | undefined {
    const { connect } = url
    if (connect === undefined) return undefined
    proxy ??= startDialProxy({ host: connect.host, port: connect.port ?? port })
    return proxy
  }

  return {
    async open(signal) {
      throwIfAborted(signal)
      if (url.user === undefined) {
        throw new LifeboatError('usage', 'unable to connect: the database URL names no user', {
          hint: 'Write oracle://user@host:1521/SERVICE.',
        })
      }
      if (service === undefined && given.sid === undefined) {
        throw new LifeboatError('usage', 'unable to connect: the database URL names no service', {
          hint: 'Write oracle://user@host:1521/SERVICE, or sid=NAME for an old server; lsnrctl services at the server lists them.',
        })
      }
      const trust = await readDriverTrust(url, given.wallet)
      const [secret, dialled] = await Promise.all([given.password?.(), findProxy()])
      const address = `(ADDRESS=(PROTOCOL=${trust.protocol})(HOST=${host})(PORT=${port}))`
      const data =
        given.sid === undefined
          ? service === undefined
            ? ''
            : `(SERVICE_NAME=${service})`
          : `(SID=${given.sid})`
      const opening = oracledb.getConnection({
        user: url.user,
        password: secret?.reveal() ?? '',
        connectString: `(DESCRIPTION=${address}(CONNECT_DATA=${data}))`,
        ...(trust.walletContent !== undefined && { walletContent: trust.walletContent }),
        sslServerDNMatch: trust.sslServerDNMatch,
        connectTimeout: CONNECT_TIMEOUT_S,
        expireTime: KEEPALIVE_MINUTES,
        ...(dialled !== undefined && { httpsProxy: '127.0.0.1', httpsProxyPort: dialled.port }),
      })
      try {
        return narrow(await orAborted(opening, signal))
      } catch (thrown) {
        // The driver can't be told to stop: what it still opens is closed as soon as it is there.
        if (signal.aborted) {
          opening.then(dropSession, () => undefined)
          throw abortReason(signal)
        }
        throw connectionError(
          thrown,
          `${host}:${port}/${service ?? given.sid ?? ''}`,
          secret === undefined ? [] : [secret],
        )
      }
    },
    async [Symbol.asyncDispose]() {
      await (await proxy)?.[Symbol.asyncDispose]()
    },
  }
}

/** One session of the driver, narrowed. */
export function narrow(session: oracledb.Connection): OracleConnection {
  let usable = true

  async function run<T>(text: string, binds: Binds, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    throwIfAborted(signal)
    const answer = work()
    try {
      return await orAborted(answer, signal)
    } catch (thrown) {
      if (signal.aborted) {
        // In the middle of a call nothing else can be asked of this session.
        usable = false
        breakOff(session, answer)
        throw abortReason(signal)
      }
      throw statementError(thrown, text, binds)
    }
  }

  return {
    async query(sql, binds, signal) {
      const options = { outFormat: oracledb.OUT_FORMAT_OBJECT, maxRows: 0 }
      const result = await run(
        sql,
        binds,
        () => session.execute<OracleRow>(sql, inBinds(binds), options),
        signal,
      )
      return result.rows ?? []
    },
    async call(block, binds, outs, signal) {
      const all = { ...inBinds(binds), ...outBinds(outs) }
      const result = await run(block, binds, () => session.execute(block, all), signal)
      return (result.outBinds ?? {}) as Readonly<Record<keyof typeof outs, OracleValue>>
    },
    async callMany(block, rows, signal) {
      const first = rows[0]
      if (first === undefined) return
      const values = rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toDriver(value)])),
      )
      const bindDefs = Object.fromEntries(
        Object.entries(first).map(([name, value]) => [name, typeOf(value)]),
      ) as oracledb.ExecuteManyOptions['bindDefs']
      await run(
        block,
        first,
        () => session.executeMany(block, values as oracledb.BindParameters[], { bindDefs: bindDefs ?? {} }),
        signal,
      )
    },
    async openFile(directory, name, signal) {
      const { OPEN_FILE } = await import('./file-statements.ts')
      const binds = { p_directory: directory, p_name: name }
      const options = { outFormat: oracledb.OUT_FORMAT_OBJECT }
      const result = await run(
        OPEN_FILE,
        binds,
        () => session.execute<{ file: oracledb.Lob }>(OPEN_FILE, inBinds(binds), options),
        signal,
      )
      const lob = result.rows?.[0]?.file
      if (lob === undefined) throw new Error('BFILENAME always gives a locator')
      return {
        // getData opens and closes the file around each read; the driver's own stream of a BFILE never opens it.
        read: async (offset, bytes, inner) => {
          const data = await run(
            OPEN_FILE,
            binds,
            () => lob.getData(offset + 1, bytes) as Promise<Buffer | null>,
            inner,
          )
          return data ?? new Uint8Array()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      if (!usable) return
      usable = false
      try {
        await orAborted(session.close(), AbortSignal.timeout(CLOSE_MS))
      } catch {
        // A session that does not answer to its end is cut: whatever it did was answered before.
        dropSession(session)
      }
    },
  }
}

/** Tells the server to end what it does, rather than leave it to notice that nobody listens; then hangs up. */
function breakOff(session: oracledb.Connection, answer: Promise<unknown>): void {
  session.break().catch(() => undefined)
  orAborted(answer, AbortSignal.timeout(BREAK_MS))
    .catch(() => undefined)
    .finally(() => dropSession(session))
}

function inBinds(binds: Binds): oracledb.BindParameters {
  return Object.fromEntries(
    Object.entries(binds).map(([name, value]) => [
      name,
      { dir: oracledb.BIND_IN, val: toDriver(value), ...typeOf(value) },
    ]),
  )
}

function outBinds(outs: Readonly<Record<string, OutBind>>): oracledb.BindParameters {
  const types = { string: oracledb.STRING, number: oracledb.NUMBER, raw: oracledb.BUFFER }
  return Object.fromEntries(
    Object.entries(outs).map(([name, { type, bytes }]) => [
      name,
      {
        dir: oracledb.BIND_OUT,
        type: types[type],
        ...(type !== 'number' && { maxSize: bytes ?? (type === 'raw' ? RAW_BYTES : STRING_BYTES) }),
      },
    ]),
  )
}

function toDriver(value: OracleValue): string | number | Buffer | null {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}

function typeOf(value: OracleValue): { type: number | oracledb.DbType; maxSize?: number } {
  if (typeof value === 'number') return { type: oracledb.NUMBER }
  if (value instanceof Uint8Array) return { type: oracledb.BUFFER, maxSize: RAW_BYTES }
  return { type: oracledb.STRING, maxSize: RAW_BYTES }
}
