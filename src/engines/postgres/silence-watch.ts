import pg from 'pg'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { SecretSource } from '../../core/secret.ts'
import { driverStream } from './driver-stream.ts'

/** What a second session says of the first. */
type Evidence = { readonly alive: boolean; readonly reason: string }

/**
 * Whether a query that has been silent for long is still worked on: a long count sends nothing until its end, and
 * neither keep-alive nor a timeout tells it from an answer that got lost. So the server is asked about that session
 * over a new connection, every `silenceMs`. Two bad answers in a row give it up: one may have crossed the result on
 * its way. A query whose answer is lost so ends after three times `silenceMs`, and `check`'s own limit twice.
 */
export async function withSilenceWatch<T>(
  query: Promise<T>,
  silenceMs: number,
  check: () => Promise<Evidence>,
  giveUp: () => void,
): Promise<T> {
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let over = false
  let rejectLost: (reason: LifeboatError) => void = () => undefined
  const lost = new Promise<never>((_, reject) => {
    rejectLost = reject
  })
  async function look(): Promise<void> {
    const { alive, reason } = await check()
    if (over) return
    failures = alive ? 0 : failures + 1
    if (failures < 2) wait()
    else {
      giveUp()
      rejectLost(
        new LifeboatError(
          'engine-unreachable',
          `unable to go on: the connection fell silent, and ${reason}`,
          {
            hint: 'Check the network, the tunnel and the server, then run again; silence-ms= in the URL sets how long lifeboat waits before it asks.',
          },
        ),
      )
    }
  }
  function wait(): void {
    timer = setTimeout(() => void look(), silenceMs)
  }
  wait()
  try {
    return await Promise.race([query, lost])
  } finally {
    over = true
    clearTimeout(timer)
    // Given up, the query fails by itself: whoever waited has the reason already.
    query.catch(() => undefined)
  }
}

/** Asks over a connection of its own. A server that answers with a refusal is there, so nothing is known to be lost. */
export async function askAboutSession(
  given: Omit<pg.ClientConfig, 'password'> & { readonly password: SecretSource | undefined },
  processId: number | null,
  limitMs: number,
): Promise<Evidence> {
  let password: string
  try {
    // Anew: an IAM token of an hour ago is of no use.
    password = (await given.password?.())?.reveal() ?? ''
  } catch (thrown) {
    return { alive: true, reason: `there is no password to ask with: ${messageOf(thrown)}` }
  }
  const limits = { connectionTimeoutMillis: limitMs, query_timeout: limitMs }
  const client = new pg.Client({ ...given, ...limits, password: () => password })
  // What breaks between two answers is told by the next one, or by the timeout.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ state: string | null }>(
      'SELECT state FROM pg_catalog.pg_stat_activity WHERE pid = $1',
      [processId],
    )
    const row = rows[0]
    if (row === undefined) return { alive: false, reason: 'the server has ended its session' }
    // Who may not see the state of a session (its user was changed) sees NULL.
    if (row.state === null || row.state === 'active') return { alive: true, reason: 'the server works on it' }
    return { alive: false, reason: 'the server has answered already: its answer was lost on the way' }
  } catch (thrown) {
    if (thrown instanceof pg.DatabaseError) return { alive: true, reason: messageOf(thrown) }
    return { alive: false, reason: `the server does not answer: ${messageOf(thrown)}` }
  } finally {
    // Not waited for: it may be as silent as the session that is asked about.
    driverStream(client).destroy()
  }
}
