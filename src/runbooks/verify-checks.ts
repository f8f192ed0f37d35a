import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { CheckRow, CliLine, MadeDatabase } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { aws } from './aws-cli.ts'
import type { DatabasePort } from './ports/database.ts'
import type { NativeRestorePort } from './ports/native-restore.ts'
import type { Endpoint } from './ports/rds.ts'
import type { RowCountPort } from './ports/row-counts.ts'
import type { RegionPorts } from './ports.ts'
import type { FoundDatabase } from './posture.ts'

/** What may fail in `verify` and be taken by its name. */
export const VERIFY_ACCEPTS = ['unreached', 'rows'] as const

export interface DatabaseQuestions {
  /** Or why nothing is written. */
  readonly write: true | string
  /** First column of the first row: when the newest row was written, say. */
  readonly newestQuery: string | undefined
  readonly accepted: readonly string[]
  /** To type where the database can be reached, or logged in to. */
  readonly elsewhere: string
}

/** Name, port, TLS, login, a read, a write, the newest row: each only where the one before held. */
export async function databaseChecks(
  database: DatabasePort,
  endpoint: Endpoint,
  { write, newestQuery, accepted, elsewhere }: DatabaseQuestions,
  signal: AbortSignal,
): Promise<readonly CheckRow[]> {
  const { rungs, addresses } = await database.look(endpoint, write === true, signal)
  const isReached = rungs.every(({ outcome }) => outcome !== 'failed')
  const checks = rungs.map(({ rung, outcome, reason, tookMs }): CheckRow => {
    const why = rung === 'write' && write !== true ? write : reason
    const row = { name: rung, found: why ?? (rung === 'dns' ? addresses.join(', ') : `${tookMs} ms`) }
    // Who is nowhere near the database may know that: who has logged in may not.
    if (outcome === 'failed' && (rung === 'dns' || rung === 'tcp')) {
      const state = accepted.includes('unreached') ? 'accepted' : 'failed'
      return { ...row, state, accept: 'unreached', lines: [elsewhere] }
    }
    return {
      ...row,
      state: outcome,
      ...(outcome === 'skipped' && rung === 'login' && isReached && { lines: [elsewhere] }),
    }
  })
  const isIn = rungs.some(({ rung, outcome }) => rung === 'login' && outcome === 'ok')
  if (newestQuery === undefined) return [...checks, skippedCheck('newest', 'no --newest-query was given')]
  if (!isIn) return [...checks, skippedCheck('newest', 'no login')]
  return [...checks, await newestCheck(database, endpoint, newestQuery, signal)]
}

async function newestCheck(
  database: DatabasePort,
  endpoint: Endpoint,
  query: string,
  signal: AbortSignal,
): Promise<CheckRow> {
  try {
    const found = await database.newest(endpoint, query, signal)
    return found === undefined
      ? { name: 'newest', state: 'failed', found: 'the query gives no row, or nothing' }
      : { name: 'newest', state: 'ok', ...newestFound(found) }
  } catch (thrown) {
    throwIfAborted(signal)
    if (!(thrown instanceof LifeboatError) || thrown.code === 'internal') throw thrown
    return { name: 'newest', state: 'failed', found: messageOf(thrown) }
  }
}

/** A number or a time says nothing about anybody; a text may. */
function newestFound(value: string): Pick<CheckRow, 'found' | 'told'> {
  return /^[\d\s:.,TZ+-]+$/.test(value) ? { found: value } : { found: 'a text', told: value }
}

/** Undefined while it is being counted. */
export async function rowsCheck(
  rows: RowCountPort | undefined,
  endpoint: Endpoint,
  accepted: readonly string[],
  signal: AbortSignal,
): Promise<CheckRow | undefined> {
  const name = 'rows'
  if (rows === undefined) return skippedCheck(name, 'no --backups to compare with, or no --login')
  const seen = await rows.look(endpoint, signal)
  if (seen.state === 'running') return undefined
  const fails = accepted.includes('rows') ? 'accepted' : 'failed'
  if (seen.state === 'failed') {
    const found = `could not be counted: ${seen.reason}${seen.hint === undefined ? '' : ` (${seen.hint})`}`
    return { name, state: fails, found, accept: 'rows' }
  }
  const { backup, tables, missing, fewer } = seen
  if (missing.length === 0 && fewer.length === 0) {
    const found = `${tables} tables of backup ${backup}, none missing or with fewer rows: ${seen.rows} then, ${seen.rowsNow} now`
    return { name, state: 'ok', found }
  }
  const parts = [
    ...(missing.length === 0 ? [] : [`${missing.length} missing`]),
    ...(fewer.length === 0 ? [] : [`${fewer.length} with fewer rows`]),
  ]
  const names = [...missing, ...fewer.map(({ table, backup: was, now }) => `${table} (${now} of ${was})`)]
  const found = `of ${tables} tables of backup ${backup} of ${seen.ended} ${parts.join(', ')}`
  return { name, state: fails, found, told: shortList(names), accept: 'rows' }
}

/** The restore itself has counted, table by table. */
export async function restoredRowsCheck(
  native: NativeRestorePort | undefined,
  { backup, dumpedBy }: Pick<MadeDatabase, 'backup' | 'dumpedBy'>,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<CheckRow> {
  const own = dumpedBy === undefined ? undefined : await native?.dump?.look(dumpedBy, signal)
  const id = backup ?? own?.backup?.id
  const seen = id === undefined ? undefined : await native?.look(id, endpoint, signal)
  if (seen?.state !== 'done') return skippedCheck('rows', 'what was restored is not known any more')
  if (seen.verified !== true) return skippedCheck('rows', `backup ${id} was made without counts`)
  const found = `${seen.tables ?? 0} tables, ${seen.rows ?? 0} rows: each as in backup ${id}`
  return { name: 'rows', state: 'ok', found }
}

const MOST_SHOWN = 8

function shortList(list: readonly string[]): string {
  const more = list.length - MOST_SHOWN
  return more > 0 ? `${list.slice(0, MOST_SHOWN).join(', ')} and ${more} more` : list.join(', ')
}

export function backupsCheck({ database }: FoundDatabase): CheckRow {
  const days = database.backupRetentionDays
  return { name: 'backups', state: days > 0 ? 'ok' : 'failed', found: `${days} days` }
}

/** No way makes alarms, and none is worth stopping for: but somebody has to see to them. */
export async function alarmsCheck(
  { cloudwatch, region }: RegionPorts,
  found: FoundDatabase,
  dead: 'throws' | 'unknown',
  signal: AbortSignal,
): Promise<CheckRow> {
  const name = 'alarms'
  const { kind, database } = found
  const ids = new Set([
    database.id,
    ...(kind === 'cluster' ? database.members.map(({ instanceId }) => instanceId) : []),
  ])
  try {
    const own = (await cloudwatch.alarms(signal)).filter(({ dimensions }) =>
      Object.values(dimensions).some((value) => ids.has(value)),
    )
    if (own.length > 0) return { name, state: 'ok', found: own.map((alarm) => alarm.name).join(', ') }
  } catch (thrown) {
    if (faultOf(thrown) === undefined || (dead === 'throws' && isTransient(thrown))) throw thrown
    return { name, state: 'warning', found: `could not be looked at: ${messageOf(thrown)}` }
  }
  return {
    name,
    state: 'warning',
    found: `none watches ${database.id}: make those that the old one had, each with --alarm-actions`,
    lines: [shellLine(alarmLine(region, found))],
  }
}

export function alarmLine(region: string, { kind, database: { id } }: FoundDatabase): CliLine {
  const isCluster = kind === 'cluster'
  return aws(region, 'cloudwatch', 'put-metric-alarm', {
    'alarm-name': `${id}-${isCluster ? 'cpu' : 'free-storage'}`,
    namespace: 'AWS/RDS',
    'metric-name': isCluster ? 'CPUUtilization' : 'FreeStorageSpace',
    dimensions: `Name=${isCluster ? 'DBClusterIdentifier' : 'DBInstanceIdentifier'},Value=${id}`,
    ...{ statistic: 'Average', period: 60, 'evaluation-periods': 5 },
    threshold: isCluster ? 90 : 10_737_418_240,
    'comparison-operator': isCluster ? 'GreaterThanThreshold' : 'LessThanThreshold',
  })
}

export function skippedCheck(name: string, found: string): CheckRow {
  return { name, state: 'skipped', found }
}

/** Of a URL for `--login`. */
export function schemeOf(engine: string): string {
  if (/mysql|mariadb/.test(engine)) return 'mysql'
  if (engine.includes('postgres')) return 'postgres'
  return engine.split('-')[0] ?? engine
}
