import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { messageOf, throwIfAborted } from '../core/errors.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { orAborted } from '../core/until-aborted.ts'
import type { DatabaseLook, DatabasePort } from '../runbooks/ports/database.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import { knockTls } from './tls-knock.ts'

const REACH_MS = 5_000

/** The databases as far as they show without an account: whether anything answers, and nothing beyond. */
export function createUnloggedDatabase(): DatabasePort {
  return {
    async look(endpoint, write, signal) {
      const reached = await reach(endpoint, signal)
      const skipped = (rung: DatabaseLook['rungs'][number]['rung'], reason: string) =>
        ({ rung, outcome: 'skipped', reason, tookMs: 0 }) as const
      const tls = await lookAtTls(endpoint, reached, signal)
      const rest = (['login', 'read'] as const).map((rung) => skipped(rung, 'no account was given'))
      return {
        addresses: reached.addresses,
        rungs: [
          ...reached.rungs,
          tls,
          ...rest,
          skipped('write', write ? 'no account was given' : 'not asked for'),
        ],
      }
    },
    async writable(endpoint, signal) {
      const { rungs } = await reach(endpoint, signal)
      return rungs.every(({ outcome }) => outcome === 'ok') ? 'unknown' : 'unreachable'
    },
    fence: () => Promise.resolve({ done: [], failed: ['no account was given to log in with'] }),
    planFence: () => Promise.resolve(undefined),
    planUnfence: () => Promise.resolve(undefined),
    unfence: () => Promise.resolve(),
    newest: () => Promise.resolve(undefined),
    accounts: () =>
      Promise.resolve({ unknown: 'no account was given to log in with (--login)', never: true }),
  }
}

type Rung = DatabaseLook['rungs'][number]

async function lookAtTls(
  endpoint: Endpoint,
  { rungs }: Pick<DatabaseLook, 'rungs'>,
  signal: AbortSignal,
): Promise<Rung> {
  if (rungs.some(({ outcome }) => outcome !== 'ok'))
    return { rung: 'tls', outcome: 'skipped', reason: 'not reached', tookMs: 0 }
  const startMs = performance.now()
  const knocked = await knockTls(endpoint, signal)
  return { rung: 'tls', ...knocked, tookMs: Math.round(performance.now() - startMs) }
}

export async function reach(
  { host, port }: Endpoint,
  signal: AbortSignal,
): Promise<Pick<DatabaseLook, 'addresses' | 'rungs'>> {
  throwIfAborted(signal)
  const startMs = performance.now()
  const tookMs = () => Math.round(performance.now() - startMs)
  const bounded = withTimeLimit(signal, REACH_MS)
  let addresses: string[]
  try {
    addresses = (await orAborted(lookup(host, { all: true }), bounded)).map(({ address }) => address)
  } catch (thrown) {
    throwIfAborted(signal)
    const reason = messageOf(thrown)
    return { addresses: [], rungs: [{ rung: 'dns', outcome: 'failed', reason, tookMs: tookMs() }] }
  }
  const dns = { rung: 'dns', outcome: 'ok', tookMs: tookMs() } as const
  const failed = await connects(host, port, bounded)
  throwIfAborted(signal)
  return {
    addresses,
    rungs: [
      dns,
      failed === undefined
        ? { rung: 'tcp', outcome: 'ok', tookMs: tookMs() }
        : { rung: 'tcp', outcome: 'failed', reason: failed, tookMs: tookMs() },
    ],
  }
}

/** Undefined if it does, else why not. */
function connects(host: string, port: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error) => {
      socket.destroy()
      resolve(signal.aborted ? 'no answer in time' : messageOf(error))
    })
  })
}
