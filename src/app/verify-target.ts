import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import { readEndpoint } from '../runbooks/cutover-options.ts'
import {
  compareParity,
  type FoundDatabase,
  findDatabase,
  PARITY_CHECKS,
  type ParityCheck,
  readPosture,
} from '../runbooks/parity.ts'
import type { DatabasePort } from '../runbooks/ports/database.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import { type CloudRequest, openCloud, openDatabase } from './open-cloud.ts'

export interface TargetRequest extends CloudRequest {
  /** First column of the first row: when the newest row was written, say. */
  readonly newestQuery?: string
  /** Whether a scratch table may be written. */
  readonly write: boolean
  readonly accept: readonly string[]
}

export interface TargetCheck {
  readonly name: string
  readonly state: 'ok' | 'failed' | 'accepted' | 'skipped'
  readonly found: string
}

export interface TargetReport {
  readonly endpoint: string | null
  readonly passed: boolean
  readonly checks: readonly TargetCheck[]
}

/** Looks whether a database is fit to take over, as a checklist. Without regions and AWS it asks the database alone. */
export async function verifyTarget(request: TargetRequest, signal: AbortSignal): Promise<TargetReport> {
  const accepted = readAccepted(request.accept)
  const { flags } = request
  const given = flags.to === undefined ? undefined : readEndpoint(flags.to, '--to')
  const id = flags.targetId ?? flags.db?.[0]
  if (id === undefined || flags.target === undefined) {
    if (given === undefined)
      throw new LifeboatError('usage', 'unable to verify: nothing says which database', {
        hint: 'Name its endpoint with --to HOST:PORT, or its region and id with --source, --target and --target-id.',
      })
    const database = await openDatabase(request.login)
    const checks = await databaseChecks(database, given, request, signal)
    return reportOf(given, [...checks, skipped('aws', 'no region and id were given')])
  }
  using cloud = await openCloud(request)
  const { checks, endpoint } = await awsChecks(cloud.ports, request, id, accepted, signal)
  const there = given ?? endpoint
  const own =
    there === undefined
      ? [{ name: 'endpoint', state: 'failed', found: `${id} has none that could be found` } as const]
      : await databaseChecks(cloud.ports.database, there, request, signal)
  return reportOf(there, [...own, ...checks])
}

function reportOf(endpoint: Endpoint | undefined, checks: readonly TargetCheck[]): TargetReport {
  return {
    endpoint: endpoint === undefined ? null : `${endpoint.host}:${endpoint.port}`,
    passed: checks.every(({ state }) => state !== 'failed'),
    checks,
  }
}

async function databaseChecks(
  database: DatabasePort,
  endpoint: Endpoint,
  { write, newestQuery }: TargetRequest,
  signal: AbortSignal,
): Promise<readonly TargetCheck[]> {
  const { rungs, addresses } = await database.look(endpoint, write, signal)
  const checks = rungs.map(({ rung, outcome, reason, tookMs }) => ({
    name: rung,
    state: outcome,
    found: reason ?? (rung === 'dns' ? addresses.join(', ') : `${tookMs} ms`),
  }))
  if (newestQuery === undefined) return [...checks, skipped('newest', 'no --newest-query was given')]
  const newest = await newestCheck(database, endpoint, newestQuery, signal)
  return [...checks, newest]
}

async function newestCheck(
  database: DatabasePort,
  endpoint: Endpoint,
  query: string,
  signal: AbortSignal,
): Promise<TargetCheck> {
  try {
    const found = await database.newest(endpoint, query, signal)
    return found === undefined
      ? { name: 'newest', state: 'failed', found: 'the query gives no row, or nothing' }
      : { name: 'newest', state: 'ok', found }
  } catch (thrown) {
    throwIfAborted(signal)
    return { name: 'newest', state: 'failed', found: messageOf(thrown) }
  }
}

async function awsChecks(
  ports: CloudPorts,
  { flags }: TargetRequest,
  id: string,
  accepted: readonly ParityCheck[],
  signal: AbortSignal,
): Promise<{ readonly checks: readonly TargetCheck[]; readonly endpoint: Endpoint | undefined }> {
  const { source, target } = ports
  const found = await attempt('aws', signal, () => findDatabase(target, id, signal))
  if ('state' in found) return { checks: [found], endpoint: undefined }
  if (found.value === undefined) {
    const absent = { name: 'aws', state: 'failed', found: `${target.region} has no '${id}'` } as const
    return { checks: [absent], endpoint: undefined }
  }
  const { database } = found.value
  const backups: TargetCheck = {
    name: 'backups',
    state: database.backupRetentionDays > 0 ? 'ok' : 'failed',
    found: `${database.backupRetentionDays} days`,
  }
  const checks = [backups, await alarmCheck(ports, found.value, signal)]
  const old = flags.db?.[0]
  if (old === undefined)
    return { checks: [...checks, skipped('parity', 'no --db was given')], endpoint: endpointOf(found.value) }
  const parity = await attempt('parity', signal, async () => {
    const before = await findDatabase(source, old, signal)
    if (before === undefined) throw new LifeboatError('step-failed', `${source.region} has no '${old}'`)
    const now = await readPosture(found.value as FoundDatabase, target, signal)
    return compareParity(await readPosture(before, source, signal), now, accepted)
  })
  const rows =
    'state' in parity
      ? [parity]
      : parity.value.map(({ check, source: was, target: is, state }) => ({
          name: check,
          state: state === 'weaker' ? ('failed' as const) : state,
          found: was === is ? is : `${is}; the source: ${was}`,
        }))
  return { checks: [...checks, ...rows], endpoint: endpointOf(found.value) }
}

async function alarmCheck(
  { target }: CloudPorts,
  { kind, database }: FoundDatabase,
  signal: AbortSignal,
): Promise<TargetCheck> {
  const found = await attempt('alarms', signal, () => target.cloudwatch.alarms(signal))
  if ('state' in found) return found
  const ids = new Set([
    database.id,
    ...(kind === 'cluster' ? database.members.map(({ instanceId }) => instanceId) : []),
  ])
  const own = found.value.filter(({ dimensions }) =>
    Object.values(dimensions).some((value) => ids.has(value)),
  )
  return {
    name: 'alarms',
    state: own.length > 0 ? 'ok' : 'failed',
    found: own.length > 0 ? own.map(({ name }) => name).join(', ') : `none watches ${database.id}`,
  }
}

/** What could not be looked at is no pass. */
async function attempt<T>(
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<{ readonly value: T } | (TargetCheck & { readonly state: 'failed' })> {
  try {
    return { value: await work() }
  } catch (thrown) {
    throwIfAborted(signal)
    if (!(thrown instanceof LifeboatError) || thrown.code === 'internal') throw thrown
    return { name, state: 'failed', found: messageOf(thrown) }
  }
}

function endpointOf({ kind, database }: FoundDatabase): Endpoint | undefined {
  if (kind === 'instance') return database.endpoint
  return database.writerHost === undefined ? undefined : { host: database.writerHost, port: database.port }
}

function skipped(name: string, found: string): TargetCheck {
  return { name, state: 'skipped', found }
}

function readAccepted(names: readonly string[]): readonly ParityCheck[] {
  return names.map((name) => {
    const known = PARITY_CHECKS.find((check) => check === name)
    if (known !== undefined) return known
    throw new LifeboatError('usage', `unable to verify: nothing is called '${name}' that could be accepted`, {
      hint: `Known are ${PARITY_CHECKS.join(', ')}.`,
    })
  })
}
