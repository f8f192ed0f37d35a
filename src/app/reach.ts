import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { orAborted } from '../core/until-aborted.ts'
import { failure } from './doctor-check.ts'

const REACH_MS = 5_000

export interface Endpoint {
  readonly topic: string
  readonly host: string
  readonly port: number
  readonly code: 'engine-unreachable' | 'sink-unavailable'
  /** What to do so that no name has to be resolved. */
  readonly withoutDns: (address: string) => string
}

/** Whether a host has an address, and whether something listens there. Not a byte is sent. */
export async function* checkReach(endpoint: Endpoint, signal: AbortSignal): AsyncGenerator<Finding> {
  const { topic, host, port, code, withoutDns } = endpoint
  const bound = withTimeLimit(signal, REACH_MS)
  let address = host
  if (isIP(host) === 0) {
    try {
      // The system's resolver can't be stopped, but need not be waited for.
      address = (await orAborted(lookup(host), bound)).address
    } catch (thrown) {
      const message = `unable to resolve '${host}': ${messageOf(thrown)}`
      const hint =
        'Find the address elsewhere (a colleague, an old log, the VPC console) and use it instead of the name.'
      yield failure(topic, new LifeboatError(code, message, { hint, cause: thrown }))
      return
    }
    yield {
      level: 'warning',
      topic,
      message: `${host} is ${address} now, and nobody knows where it is once DNS is dead`,
      hint: withoutDns(address),
    }
  }
  try {
    await tryToConnect(address, port, bound)
    yield { level: 'ok', topic, message: `${address} port ${port} takes connections` }
  } catch (thrown) {
    const message = `unable to reach '${address}' port ${port}: ${messageOf(thrown)}`
    const hint = 'Check the route, the security group and the firewall from this machine.'
    yield failure(topic, new LifeboatError(code, message, { hint, cause: thrown }))
  }
}

async function tryToConnect(host: string, port: number, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port })
  try {
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    await orAborted(connected, signal)
  } finally {
    socket.destroy()
  }
}
