import { createHash } from 'node:crypto'
import type { Probe, Sameness } from '../../core/engine.ts'
import type { ServerIdentity } from '../../core/manifest.ts'
import type { OracleRow } from './connection.ts'

/**
 * What tells this database from others, all of it hashed. The DBID is born with the database and goes with every
 * physical copy; opening a copy (a promoted standby, a restored snapshot) resets the logs.
 */
export function makeIdentity(session: OracleRow, database: OracleRow | undefined): ServerIdentity {
  const parts: Readonly<Record<string, unknown>> = {
    dbid: database === undefined ? undefined : `${database.dbid} ${database.conDbid}`,
    resetlogs: database?.resetlogs,
    name: `${session.uniqueName} ${session.container}`,
    host: session.host,
  }
  return Object.fromEntries(
    Object.entries(parts).flatMap(([name, value]) =>
      typeof value === 'string' && value !== '' ? [[name, digest(value)]] : [],
    ),
  )
}

export function compareIdentity(recorded: ServerIdentity, probe: Probe): Sameness {
  const now = probe.identity
  const equal = (name: string) => recorded[name] !== undefined && recorded[name] === now[name]
  const differs = (name: string) =>
    recorded[name] !== undefined && now[name] !== undefined && recorded[name] !== now[name]
  if (differs('dbid')) return { verdict: 'different', reason: 'its DBID is another' }
  if (equal('dbid') && equal('resetlogs') && equal('host')) {
    return { verdict: 'same', reason: 'DBID, last RESETLOGS and host are the same' }
  }
  if (equal('dbid') && differs('resetlogs')) {
    return {
      verdict: 'different',
      reason: 'it is a copy that was opened by itself: its last RESETLOGS is another',
    }
  }
  if (equal('dbid')) {
    return {
      verdict: 'unsure',
      reason: 'the DBID is the same: it is this database elsewhere, or a copy of it',
    }
  }
  if (differs('host') && differs('name')) {
    return { verdict: 'different', reason: 'its name and its host are others' }
  }
  return { verdict: 'unsure', reason: 'it does not tell its DBID to this account' }
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 32)
}
