import { createHash } from 'node:crypto'
import type { Sameness } from '../../core/engine.ts'
import type { ServerIdentity } from '../../core/manifest.ts'
import type { Row, Session } from './server-access.ts'

/** Clocks of two looks may round differently. */
const START_TOLERANCE_S = 3

/**
 * Facts that tell one server from another, hashed. `uuid` is MySQL's and lies with the data, so a clone from a
 * snapshot may have the same; `machine` is MariaDB's server_uid, made from the network card and the port; `born` is
 * when the oldest system table was made, `started` when the process was.
 */
export async function readIdentity(session: Session): Promise<ServerIdentity> {
  const [row] = await session.query(
    'SELECT @@hostname AS host, @@datadir AS datadir, @@port AS port, @@socket AS socket, @@server_id AS id',
  )
  const variables = await session.query(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')",
  )
  const [born] = await session.query(
    "SELECT MIN(CREATE_TIME) AS born FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql'",
  )
  const [clock] = await session.query('SELECT UNIX_TIMESTAMP() AS now')
  const [uptime] = await session.query("SHOW GLOBAL STATUS LIKE 'Uptime'")
  const started = Number(clock?.now) - Number(uptime?.Value)
  return {
    host: hash(row?.host),
    datadir: hash(row?.datadir),
    address: hash(`${row?.port} ${row?.socket}`),
    'server-id': hash(row?.id),
    started: new Date(started * 1000).toISOString(),
    ...variable(variables, 'server_uuid', 'uuid'),
    ...variable(variables, 'server_uid', 'machine'),
    // Null where the account may not see the system tables.
    ...(born?.born == null ? {} : { born: hash(born.born) }),
  }
}

export function compareIdentity(recorded: ServerIdentity, now: ServerIdentity): Sameness {
  const equal = (name: string) =>
    recorded[name] === undefined || now[name] === undefined ? undefined : recorded[name] === now[name]
  const place = ['host', 'datadir', 'address'].filter((name) => equal(name) === true).length
  const startedApart = Math.abs(Date.parse(recorded.started ?? '') - Date.parse(now.started ?? '')) / 1000
  if (equal('uuid') === false) return { verdict: 'different', reason: 'its server_uuid is another' }
  if (equal('host') === true && place === 3 && equal('born') !== false) {
    return { verdict: 'same', reason: 'host, data directory and address are those of the source' }
  }
  if (equal('host') === true && startedApart <= START_TOLERANCE_S && equal('datadir') === true) {
    return { verdict: 'same', reason: 'it is the same process on the same data' }
  }
  if (equal('uuid') === true) {
    return {
      verdict: 'unsure',
      reason:
        'it has the same server_uuid in another place: a copy of the source, or the source after a move',
    }
  }
  if (equal('born') === false) {
    return { verdict: 'different', reason: 'its data directory was made at another time' }
  }
  if (equal('host') === true && equal('datadir') === false && equal('address') === false) {
    return { verdict: 'different', reason: 'it runs beside the source, on other data and another port' }
  }
  if (equal('host') === false && place === 0) {
    return { verdict: 'different', reason: 'host, data directory and address are others' }
  }
  return { verdict: 'unsure', reason: 'some marks are those of the source, others are not' }
}

function variable(rows: readonly Row[], name: string, as: string): ServerIdentity {
  const found = rows.find((row) => row.Variable_name === name)
  return found === undefined ? {} : { [as]: hash(found.Value) }
}

function hash(value: unknown): string {
  return createHash('sha256')
    .update(`lifeboat ${String(value)}`)
    .digest('hex')
    .slice(0, 32)
}
