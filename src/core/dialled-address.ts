import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { DatabaseUrl } from './database-url.ts'
import { LifeboatError, messageOf } from './errors.ts'
import { orAborted } from './until-aborted.ts'

/** What is dialled, always numeric. Asked once per run, so that every session and every tool talks to the same server. */
export async function findDialledAddress(url: DatabaseUrl, signal: AbortSignal): Promise<string> {
  const name = url.connect?.host ?? url.host
  if (name === undefined) throw new Error('a database URL without a host has no address')
  if (isIP(name) !== 0) return name
  try {
    const { address } = await orAborted(lookup(name), signal)
    return address
  } catch (thrown) {
    if (thrown instanceof LifeboatError) throw thrown
    throw new LifeboatError('engine-unreachable', `unable to find host '${name}': ${messageOf(thrown)}`, {
      hint:
        url.connect === undefined
          ? 'Check the name; where DNS is dead, give the address that is dialled as connect=IP:PORT and keep the host name for TLS.'
          : 'Give connect= as an IP address.',
      cause: thrown,
    })
  }
}
