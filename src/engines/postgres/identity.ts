import { createHash } from 'node:crypto'
import type { Probe, Sameness } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { ServerIdentity } from '../../core/manifest.ts'
import type { Connection } from './connection.ts'

/** What tells this server from others; a name or an address only as a digest. */
export async function readIdentity(connection: Connection): Promise<ServerIdentity> {
  const [basic] = await connection.query<Record<string, string | null>>(
    `SELECT extract(epoch FROM pg_postmaster_start_time())::text AS started, pg_is_in_recovery()::text AS recovery,
       inet_server_addr()::text || ' ' || inet_server_port() AS address,
       (SELECT string_agg(oid || ' ' || datname, ',' ORDER BY oid) FROM pg_database) AS databases`,
  )
  const control = await readControl(connection)
  const identity: Record<string, string> = {}
  for (const [name, value] of Object.entries({ ...control, ...basic })) {
    if (value === null) continue
    identity[name] = name === 'address' || name === 'databases' ? digest(value) : value
  }
  return identity
}

async function readControl(connection: Connection): Promise<Record<string, string>> {
  try {
    const [row] = await connection.query<Record<string, string>>(
      `SELECT system_identifier::text AS "systemIdentifier", timeline_id::text AS timeline
       FROM pg_control_system(), pg_control_checkpoint()`,
    )
    return row ?? {}
  } catch (thrown) {
    // Some managed servers keep these functions to themselves: the other evidence then has to do.
    if (thrown instanceof LifeboatError && thrown.details?.sqlState !== undefined) return {}
    throw thrown
  }
}

/**
 * The system identifier is born with initdb and goes with every physical copy: standbys, promoted replicas, restored
 * snapshots. So another one proves another server, but the same one proves nothing by itself.
 */
export function compareIdentity(recorded: ServerIdentity, probe: Probe): Sameness {
  const now = probe.identity
  const equal = (name: string) => recorded[name] !== undefined && recorded[name] === now[name]
  const differs = (name: string) =>
    recorded[name] !== undefined && now[name] !== undefined && recorded[name] !== now[name]
  if (differs('systemIdentifier')) return { verdict: 'different', reason: 'its system identifier is another' }
  if (equal('started') && (equal('systemIdentifier') || equal('address'))) {
    return { verdict: 'same', reason: 'it was started at the very same time' }
  }
  if (equal('systemIdentifier') && equal('address')) {
    return { verdict: 'same', reason: 'system identifier and address are the same' }
  }
  if (!equal('systemIdentifier')) {
    return equal('address')
      ? { verdict: 'unsure', reason: 'its address is the same, and it does not tell its system identifier' }
      : { verdict: 'unsure', reason: 'it does not tell its system identifier' }
  }
  if (now.recovery === 'true') {
    return { verdict: 'unsure', reason: 'it is a standby with the same system identifier' }
  }
  if (differs('timeline') && differs('address')) {
    return {
      verdict: 'different',
      reason: 'it is a copy: the system identifier is the same, but address and timeline are others',
    }
  }
  return {
    verdict: 'unsure',
    reason:
      'the system identifier is the same: it is this server at another address, or a physical copy of it',
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
