import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type Connection, createConnection } from 'mysql2/promise'
import { readTrust } from '../../core/ca-bundle.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { describeTarget } from '../../core/describe-target.ts'
import type { EngineContext } from '../../core/engine.ts'
import { abortReason, LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { createPrivateFolder, type PrivateFolder } from '../../core/private-folder.ts'
import { Secret } from '../../core/secret.ts'
import { orAborted } from '../../core/until-aborted.ts'
import { connectionFailure, queryFailure } from './failures.ts'
import { formatOptionFile, type OptionLine } from './option-file.ts'
import type { MysqlOptions } from './options.ts'
import { createSnapshotGate, type GateTerms, type Route, type SnapshotGate } from './snapshot-gate.ts'
import { createTlsRelay, type TlsRelay } from './tls-relay.ts'
import type { Tool } from './tools.ts'
import { within } from './within.ts'

export const DEFAULT_PORT = 3306
const CONNECT_TIMEOUT_MS = 20_000
const GOODBYE_MS = 5_000

export type Row = Readonly<Record<string, unknown>>

/** One connection to the server through the driver. */
export interface Session {
  query(sql: string): Promise<readonly Row[]>
  /** The same in the order of the columns, whatever their names. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>
}

export interface OptionFile {
  readonly path: string
  readonly secrets: readonly Secret[]
}

/** The way to one server: for the driver and for the tools the same one. */
export interface ServerAccess extends AsyncDisposable {
  readonly target: string
  readonly user: string
  /** Opens a connection for the time of `run`; it is cut when the signal is aborted. */
  withSession<T>(signal: AbortSignal, run: (session: Session) => Promise<T>): Promise<T>
  /** Writes what a tool needs to log in. The password is looked up anew: an IAM token lasts 15 minutes. */
  optionFile(tool: Tool, signal: AbortSignal): Promise<OptionFile>
  /** Tools get there by a Unix socket: of the relay for TLS, or of the server. Otherwise by plain TCP. */
  readonly toolsUseSocket: boolean
  /** The same for one run of a dump tool, through a gate, which is the caller's to close. */
  gatedOptionFile(
    tool: Tool,
    terms: GateTerms,
    signal: AbortSignal,
  ): Promise<OptionFile & { readonly gate: SnapshotGate }>
}

export function createServerAccess(
  url: DatabaseUrl,
  options: MysqlOptions,
  context: EngineContext,
): ServerAccess {
  // The vendors' own default.
  const user = url.user ?? userInfo().username
  let opened: Promise<{ folder: PrivateFolder; relay: TlsRelay | undefined; route: Route }> | undefined
  let files = 0
  let gates = 0

  async function open(): Promise<{ folder: PrivateFolder; relay: TlsRelay | undefined; route: Route }> {
    const trust = await readTrust(url)
    const folder = await createPrivateFolder()
    if (url.socket !== undefined) return { folder, relay: undefined, route: { socket: url.socket } }
    const address = {
      host: url.connect?.host ?? url.host ?? '',
      port: url.connect?.port ?? url.port ?? DEFAULT_PORT,
    }
    if (url.tls === 'disable') return { folder, relay: undefined, route: address }
    const verify = url.tls === 'verify-full' ? 'full' : url.tls === 'verify-ca' ? 'ca' : 'none'
    const relay = await createTlsRelay({ host: url.host ?? '', address, verify, trust }, folder.path)
    return { folder, relay, route: { socket: relay.socketPath } }
  }
  const ready = () => {
    opened ??= open()
    return opened
  }
  const target = describeTarget(url, DEFAULT_PORT, user)
  const password = async () => (await context.password?.()) ?? new Secret('')
  const isSafe = url.tls !== 'disable' || url.socket !== undefined

  return {
    target,
    user,
    toolsUseSocket: isSafe,
    async withSession(signal, run) {
      throwIfAborted(signal)
      const { route, relay } = await ready()
      const secret = await password()
      const cleartext = isSafe && wantsCleartext(options, secret)
      throwIfAborted(signal)
      const opening = createConnection({
        user,
        password: secret.reveal(),
        ...('socket' in route ? { socketPath: route.socket } : { host: route.host, port: route.port }),
        charset: 'utf8mb4',
        connectTimeout: CONNECT_TIMEOUT_MS,
        dateStrings: true,
        supportBigNumbers: true,
        ...(cleartext ? { enableCleartextPlugin: true } : {}),
      })
      let connection: Connection
      try {
        connection = await orAborted(opening, signal)
      } catch (thrown) {
        if (signal.aborted) {
          // It can't be cut before the driver gives it out; where it never does, its own time limit ends it.
          opening.then(
            (late) => late.destroy(),
            () => undefined,
          )
          throw abortReason(signal)
        }
        throw connectionFailure(target, relay?.failure(), thrown, [secret])
      }
      const cut = () => connection.destroy()
      signal.addEventListener('abort', cut, { once: true })
      try {
        throwIfAborted(signal)
        const ask = async (sql: string, rowsAsArray: boolean) => {
          try {
            // The driver never settles a query whose connection was destroyed.
            const [rows] = await orAborted(connection.query({ sql, rowsAsArray }), signal)
            return Array.isArray(rows) ? rows : []
          } catch (thrown) {
            throw queryFailure(target, sql, thrown)
          }
        }
        return await run({
          query: async (sql) => (await ask(sql, false)) as Row[],
          rows: async (sql) => (await ask(sql, true)) as unknown[][],
        })
      } catch (thrown) {
        if (signal.aborted) throw abortReason(signal)
        throw thrown
      } finally {
        // A server that has gone can't be said goodbye to; why it went is known by now.
        // Bounded: behind a query whose answer never comes it would be waited for without end.
        if (!signal.aborted) {
          const goodbye = orAborted(connection.end(), signal)
          await within(goodbye, GOODBYE_MS, goneSilent).catch(() => connection.destroy())
        }
        signal.removeEventListener('abort', cut)
      }
    },
    async optionFile(tool, signal) {
      throwIfAborted(signal)
      const { folder, route } = await ready()
      return await writeOptions(tool, folder, route)
    },
    async gatedOptionFile(tool, terms, signal) {
      throwIfAborted(signal)
      const { folder, route } = await ready()
      gates += 1
      const gate = await createSnapshotGate(route, join(folder.path, `gate-${gates}.sock`), terms)
      return { ...(await writeOptions(tool, folder, gate.route)), gate }
    },
    async [Symbol.asyncDispose]() {
      if (opened === undefined) return
      const { folder, relay } = await opened.catch(() => ({ folder: undefined, relay: undefined }))
      await relay?.[Symbol.asyncDispose]()
      await folder?.[Symbol.asyncDispose]()
    },
  }

  async function writeOptions(tool: Tool, folder: PrivateFolder, route: Route): Promise<OptionFile> {
    const secret = await password()
    const lines: OptionLine[] = [
      ['user', user],
      ['password', secret.reveal()],
    ]
    if ('socket' in route) lines.push(['protocol', 'socket'], ['socket', route.socket])
    else lines.push(['protocol', 'tcp'], ['host', route.host], ['port', String(route.port)])
    // TLS is spoken by the relay; without one it was refused in the URL, or the way is a Unix socket.
    lines.push(tool.vendor === 'MariaDB' ? ['loose-skip-ssl', undefined] : ['loose-ssl-mode', 'DISABLED'])
    if (tool.vendor === 'Oracle' && isSafe && wantsCleartext(options, secret)) {
      lines.push(['enable-cleartext-plugin', undefined])
    }
    // Without TLS caching_sha2_password encrypts the password with a key that the server gives.
    if (tool.vendor === 'Oracle' && !isSafe) lines.push(['loose-get-server-public-key', undefined])
    files += 1
    return { path: await folder.file(`client-${files}.cnf`, formatOptionFile(lines)), secrets: [secret] }
  }
}

/** An IAM token is a presigned request: `host:port/?Action=connect&DBUser=…`. */
function wantsCleartext(options: MysqlOptions, secret: Secret): boolean {
  if (options.cleartext !== 'auto') return options.cleartext === 'yes'
  return /\/\?Action=connect&/.test(secret.reveal())
}

/** The server's number of an error, of the driver or as it was wrapped here. */
export function errorNumber(thrown: unknown): number | undefined {
  const source = thrown instanceof LifeboatError ? thrown.cause : thrown
  const errno = (source as { errno?: unknown } | undefined)?.errno
  return typeof errno === 'number' ? errno : undefined
}

function goneSilent(): LifeboatError {
  return new LifeboatError('timed-out', 'unable to close the connection: the server does not answer', {
    hint: 'Check the network and the server.',
  })
}
