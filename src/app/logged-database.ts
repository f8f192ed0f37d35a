import { cloudFault } from '../core/cloud-fault.ts'
import { parseDatabaseUrl } from '../core/database-url.ts'
import type { Engine } from '../core/engine.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { Gate } from '../core/gate.ts'
import type { SecretSource } from '../core/secret.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import type { DatabaseLook, DatabasePort } from '../runbooks/ports/database.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import { openEngine } from './registry.ts'
import { reach } from './unlogged-database.ts'

const CALL_MS = 25_000
/** Each database of a cluster is looked into, one after the other. */
const ACCOUNTS_MS = 90_000

/** The account that logs in to the old database and to the new one: a copy has the same accounts. */
export interface DatabaseLogin {
  /** `mysql://admin@any/shop?tls=verify-full`: host and port are those of the endpoint that is asked. */
  readonly url: string
  readonly password: SecretSource | undefined
  readonly searchPath: string
}

export function createLoggedDatabase(login: DatabaseLogin): DatabasePort {
  parseDatabaseUrl(login.url)

  async function through<T>(
    endpoint: Endpoint,
    signal: AbortSignal,
    run: (engine: Engine, bounded: AbortSignal) => Promise<T>,
    limitMs = CALL_MS,
  ): Promise<T> {
    const { password, searchPath } = login
    await using engine = await openEngine(loginUrl(login.url, endpoint), {
      searchPath,
      ...(password !== undefined && { password }),
    })
    return await run(engine, withTimeLimit(signal, limitMs))
  }

  /** A change: whether it was carried out is not known, and it is safe to repeat. */
  async function change<T>(
    name: string,
    endpoint: Endpoint,
    signal: AbortSignal,
    run: (gate: Gate, bounded: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await through(endpoint, signal, (engine, bounded) => run(gateOf(engine), bounded))
    } catch (thrown) {
      throwIfAborted(signal)
      const isSilent = thrown instanceof LifeboatError && (thrown.retryable || thrown.code === 'interrupted')
      const facts = { operation: `database:${name}`, region: 'database' }
      throw cloudFault(isSilent ? 'unavailable' : 'denied', messageOf(thrown), facts, {
        cause: thrown,
        ...(thrown instanceof LifeboatError && thrown.hint !== undefined && { hint: thrown.hint }),
      })
    }
  }

  return {
    async look(endpoint, write, signal) {
      const reached = await reach(endpoint, signal)
      if (!isReached(reached)) {
        const skipped = (['tls', 'login', 'read', 'write'] as const).map(
          (rung) => ({ rung, outcome: 'skipped', reason: 'not reached', tookMs: 0 }) as const,
        )
        return { ...reached, rungs: [...reached.rungs, ...skipped] }
      }
      const encrypted = parseDatabaseUrl(login.url).tls !== 'disable'
      const rungs = await through(endpoint, signal, (engine, bounded) =>
        climb(engine, encrypted, write, signal, bounded),
      )
      return { ...reached, rungs: [...reached.rungs, ...rungs] }
    },
    async writable(endpoint, signal) {
      if (!isReached(await reach(endpoint, signal))) return 'unreachable'
      return await asked(signal, 'unknown' as const, () =>
        through(endpoint, signal, (engine, bounded) => gateOf(engine).writable(bounded)),
      )
    },
    planFence: (endpoint, signal) =>
      asked(signal, undefined, () =>
        through(endpoint, signal, (engine, bounded) => gateOf(engine).planFence(bounded)),
      ),
    planUnfence: (endpoint, signal) =>
      asked(signal, undefined, () =>
        through(endpoint, signal, (engine, bounded) => gateOf(engine).planUnfence(bounded)),
      ),
    fence: (endpoint, statements, signal) =>
      change('fence', endpoint, signal, (gate, bounded) => gate.fence(statements, bounded)),
    unfence: (endpoint, undo, signal) =>
      change('unfence', endpoint, signal, (gate, bounded) => gate.unfence(undo, bounded)),
    newest: (endpoint, query, signal) =>
      through(endpoint, signal, async (engine, bounded) => {
        if (engine.query === undefined) throw noMeans(engine, 'be queried')
        const [[value] = []] = await engine.query(undefined, query, bounded)
        return value === undefined || value === null ? undefined : String(value)
      }),
    async accounts(endpoint, signal) {
      const reached = await reach(endpoint, signal)
      if (!isReached(reached)) {
        const reason = reached.rungs.find(({ outcome }) => outcome === 'failed')?.reason ?? 'no answer'
        return { unknown: `${endpoint.host} is not reached: ${reason}` }
      }
      try {
        return await through(
          endpoint,
          signal,
          async (engine, bounded) =>
            engine.accounts === undefined
              ? { unknown: `lifeboat does not read the accounts of ${engine.name}`, never: true as const }
              : await engine.accounts(bounded),
          ACCOUNTS_MS,
        )
      } catch (thrown) {
        throwIfAborted(signal)
        if (!(thrown instanceof LifeboatError) || thrown.code === 'internal') throw thrown
        return { unknown: messageOf(thrown) }
      }
    },
  }
}

/** The operator's URL, at another place. */
export function loginUrl(url: string, { host, port }: Endpoint): string {
  const [, scheme = '', user = '', path = '', query = ''] =
    /^([^:]+:\/\/)(?:([^@/?]*@)?[^/?]*)(\/[^?]*)?(?:\?(.*))?$/.exec(url) ?? []
  // `connect` and `socket` lead to one server, whichever endpoint is meant.
  const options = query.split('&').filter((option) => option !== '' && !/^(connect|socket)=/.test(option))
  return `${scheme}${user}${host}:${port}${path}${options.length === 0 ? '' : `?${options.join('&')}`}`
}

async function climb(
  engine: Engine,
  encrypted: boolean,
  write: boolean,
  signal: AbortSignal,
  bounded: AbortSignal,
): Promise<DatabaseLook['rungs']> {
  const tls = encrypted
    ? ({ rung: 'tls', outcome: 'ok', tookMs: 0 } as const)
    : ({ rung: 'tls', outcome: 'skipped', reason: 'the login says tls=disable', tookMs: 0 } as const)
  const startMs = performance.now()
  const tookMs = () => Math.round(performance.now() - startMs)
  const skipped = (rung: 'login' | 'read' | 'write', reason: string) =>
    ({ rung, outcome: 'skipped', reason, tookMs: 0 }) as const
  try {
    if (engine.query === undefined) throw noMeans(engine, 'be queried')
    // Before 23ai Oracle has no SELECT without a FROM (ORA-00923).
    await engine.query(undefined, engine.name === 'oracle' ? 'SELECT 1 FROM dual' : 'SELECT 1', bounded)
  } catch (thrown) {
    throwIfAborted(signal)
    const failed = { outcome: 'failed', reason: messageOf(thrown), tookMs: tookMs() } as const
    const rest = [skipped('read', 'no login'), skipped('write', 'no login')]
    if (encrypted && /certificate|\bTLS\b|\bSSL\b/i.test(messageOf(thrown)))
      return [{ rung: 'tls', ...failed }, skipped('login', 'no TLS'), ...rest]
    return [tls, { rung: 'login', ...failed }, ...rest]
  }
  const held = [
    tls,
    { rung: 'login', outcome: 'ok', tookMs: tookMs() } as const,
    { rung: 'read', outcome: 'ok', tookMs: tookMs() } as const,
  ]
  if (!write) return [...held, skipped('write', 'not asked for')]
  const writeMs = performance.now()
  const wroteMs = () => Math.round(performance.now() - writeMs)
  try {
    await gateOf(engine).tryWrite(bounded)
    return [...held, { rung: 'write', outcome: 'ok', tookMs: wroteMs() }]
  } catch (thrown) {
    throwIfAborted(signal)
    return [...held, { rung: 'write', outcome: 'failed', reason: messageOf(thrown), tookMs: wroteMs() }]
  }
}

function isReached({ rungs }: Pick<DatabaseLook, 'rungs'>): boolean {
  return rungs.every(({ outcome }) => outcome === 'ok')
}

/** What nobody could find out is not known, whatever the reason: that is for the caller to weigh. */
async function asked<T, Unknown>(
  signal: AbortSignal,
  unknown: Unknown,
  work: () => Promise<T>,
): Promise<T | Unknown> {
  try {
    return await work()
  } catch (thrown) {
    throwIfAborted(signal)
    if (thrown instanceof LifeboatError && thrown.code !== 'internal') return unknown
    throw thrown
  }
}

function gateOf(engine: Engine): Gate {
  if (engine.gate === undefined) throw noMeans(engine, 'be fenced')
  return engine.gate
}

function noMeans({ name, target }: Engine, what: string): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to look at '${target}': a database of ${name} can not ${what}`,
    {
      hint: 'Keep applications from it by its security group, and by stopping them.',
    },
  )
}
