import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import type { CheckRow } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { accountsCheck, keptAccountsCheck } from '../runbooks/accounts-check.ts'
import { mendLines } from '../runbooks/mend-lines.ts'
import { compareParity, PARITY_CHECKS } from '../runbooks/parity.ts'
import type { DatabasePort } from '../runbooks/ports/database.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'
import type { RowCountPort } from '../runbooks/ports/row-counts.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import { endpointOf, type FoundDatabase, findDatabase, readPosture } from '../runbooks/posture.ts'
import { readEndpoint } from '../runbooks/read-endpoint.ts'
import { lookAtAccounts } from '../runbooks/source-accounts.ts'
import {
  alarmsCheck,
  backupsCheck,
  databaseChecks,
  rowsCheck,
  skippedCheck,
  VERIFY_ACCEPTS,
} from '../runbooks/verify-checks.ts'
import { hostLine } from '../runbooks/verify-step.ts'
import { type CloudRequest, openCloud, openDatabase } from './open-cloud.ts'

export interface TargetRequest extends CloudRequest {
  /** First column of the first row: when the newest row was written, say. */
  readonly newestQuery?: string
  /** Whether a scratch table may be written. */
  readonly write: boolean
  readonly accept: readonly string[]
}

export interface TargetReport {
  readonly endpoint: string | null
  readonly passed: boolean
  readonly checks: readonly CheckRow[]
}

/** Looks whether a database is fit to take over, as a checklist. Without regions and AWS it asks the database alone. */
export async function verifyTarget(request: TargetRequest, signal: AbortSignal): Promise<TargetReport> {
  checkAccepted(request.accept)
  const { flags } = request
  const given = flags.to === undefined ? undefined : readEndpoint(flags.to, '--to')
  const id = flags.targetId ?? flags.db?.[0]
  if (id === undefined || flags.target === undefined) {
    if (given === undefined)
      throw new LifeboatError('usage', 'unable to verify: nothing says which database', {
        hint: 'Name its endpoint with --to HOST:PORT, or its region and id with --source, --target and --target-id.',
      })
    const database = await openDatabase(request.login)
    const means = { database, rows: request.rows, clock: systemClock, engine: undefined }
    const checks = await ownChecks(means, given, request, signal)
    const from = flags.from === undefined ? undefined : readEndpoint(flags.from, '--from')
    const accounts =
      from === undefined
        ? skippedCheck('accounts', 'no --from was given')
        : await accountsCheck(await database.accounts(from, signal), database, given, request.accept, signal)
    return reportOf(given, [...checks, accounts, skippedCheck('aws', 'no region and id were given')])
  }
  using cloud = await openCloud(request)
  const { ports, clock } = cloud
  const { checks, endpoint, engine } = await awsChecks(ports, request, id, signal)
  const there = given ?? endpoint
  const { database, rows } = ports
  const own =
    there === undefined
      ? [{ name: 'endpoint', state: 'failed', found: `${id} has none that could be found` } as const]
      : await ownChecks({ database, rows, clock, engine }, there, request, signal)
  const accounts = there === undefined ? [] : [await comparedAccounts(ports, request, there, signal)]
  return reportOf(there, [...own, ...accounts, ...checks])
}

function reportOf(endpoint: Endpoint | undefined, checks: readonly CheckRow[]): TargetReport {
  return {
    endpoint: endpoint === undefined ? null : `${endpoint.host}:${endpoint.port}`,
    passed: checks.every(({ state }) => state !== 'failed'),
    // Nothing of this is kept: the operator sees all of it.
    checks: checks.map(({ told, found, ...row }) => ({
      ...row,
      found: told === undefined ? found : `${found}: ${told}`,
    })),
  }
}

async function comparedAccounts(
  ports: CloudPorts,
  { flags, accept, login, simulate }: TargetRequest,
  there: Endpoint,
  signal: AbortSignal,
): Promise<CheckRow> {
  const old = flags.db?.[0]
  if (old === undefined) return skippedCheck('accounts', 'no --db was given')
  // The simulated cloud logs in by itself.
  if (login === undefined && simulate === undefined) return skippedCheck('accounts', 'no account was given')
  const from = flags.from === undefined ? undefined : readEndpoint(flags.from, '--from')
  const row = await attempt('accounts', signal, async () => {
    const { found } = await lookAtAccounts(old, from, ports, true, signal)
    const kept = ports.rememberedAccounts
    if ('unknown' in found && kept !== undefined)
      return await keptAccountsCheck(kept, ports.database, there, accept, signal)
    return await accountsCheck(found, ports.database, there, accept, signal)
  })
  return 'state' in row ? row : row.value
}

interface Means {
  readonly database: DatabasePort
  readonly rows: RowCountPort | undefined
  readonly clock: Clock
  readonly engine: string | undefined
}

/** What the database itself shows. */
async function ownChecks(
  { database, rows, clock, engine }: Means,
  endpoint: Endpoint,
  { write, newestQuery, accept }: TargetRequest,
  signal: AbortSignal,
): Promise<readonly CheckRow[]> {
  const elsewhere = shellLine(hostLine(`${endpoint.host}:${endpoint.port}`, engine))
  const questions = {
    write: write || '--no-write was given',
    newestQuery,
    accepted: accept,
    elsewhere,
  } as const
  const checks = await databaseChecks(database, endpoint, questions, signal)
  return [...checks, await countedRows(rows, endpoint, accept, clock, signal)]
}

const COUNT_POLL_MS = 500

/** However long that takes: who does not want to wait names no backups. */
async function countedRows(
  rows: RowCountPort | undefined,
  endpoint: Endpoint,
  accepted: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<CheckRow> {
  for (;;) {
    const row = await rowsCheck(rows, endpoint, accepted, signal)
    if (row !== undefined) return row
    await clock.sleep(COUNT_POLL_MS, signal)
  }
}

interface AwsLook {
  readonly checks: readonly CheckRow[]
  readonly endpoint?: Endpoint | undefined
  readonly engine?: string
}

async function awsChecks(
  ports: CloudPorts,
  { flags, accept }: TargetRequest,
  id: string,
  signal: AbortSignal,
): Promise<AwsLook> {
  const { target } = ports
  const looked = await attempt('aws', signal, () => findDatabase(target, id, signal))
  if ('state' in looked) return { checks: [looked] }
  const found = looked.value
  if (found === undefined)
    return { checks: [{ name: 'aws', state: 'failed', found: `${target.region} has no '${id}'` }] }
  const old = flags.db?.[0]
  const parity =
    old === undefined
      ? [skippedCheck('parity', 'no --db was given')]
      : await parityChecks(ports, old, found, accept, signal)
  return {
    checks: [backupsCheck(found), await alarmsCheck(target, found, 'unknown', signal), ...parity],
    endpoint: endpointOf(found),
    engine: found.database.engine,
  }
}

async function parityChecks(
  { source, target }: CloudPorts,
  old: string,
  found: FoundDatabase,
  accepted: readonly string[],
  signal: AbortSignal,
): Promise<readonly CheckRow[]> {
  const parity = await attempt('parity', signal, async () => {
    const before = await findDatabase(source, old, signal)
    if (before === undefined) throw new LifeboatError('step-failed', `${source.region} has no '${old}'`)
    const was = (await readPosture(before, source, 'throws', signal)).known
    const seen = await readPosture(found, target, 'throws', signal)
    const weakness = { region: target.region, found, source: was, target: seen.known }
    return compareParity(was, seen, accepted).map((row): CheckRow => {
      // What nobody could compare is no pass.
      if (row.state === 'unknown')
        return { ...row, state: accepted.includes(row.name) ? 'accepted' : 'failed', accept: row.name }
      const lines = row.state === 'failed' ? mendLines(row.name, weakness).map(shellLine) : []
      return lines.length === 0 ? row : { ...row, lines }
    })
  })
  return 'state' in parity ? [parity] : parity.value
}

/** What could not be looked at is no pass. */
async function attempt<T>(
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<{ readonly value: T } | (CheckRow & { readonly state: 'failed' })> {
  try {
    return { value: await work() }
  } catch (thrown) {
    throwIfAborted(signal)
    if (!(thrown instanceof LifeboatError) || thrown.code === 'internal') throw thrown
    return { name, state: 'failed', found: messageOf(thrown) }
  }
}

function checkAccepted(names: readonly string[]): void {
  const known: readonly string[] = [...PARITY_CHECKS, ...VERIFY_ACCEPTS, 'accounts']
  for (const name of names) {
    if (known.includes(name)) continue
    throw new LifeboatError('usage', `unable to verify: nothing is called '${name}' that could be accepted`, {
      hint: `Known are ${known.join(', ')}.`,
    })
  }
}
