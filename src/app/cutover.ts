import { join } from 'node:path'
import { isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, toLifeboatError } from '../core/errors.ts'
import { elsewhere } from '../runbooks/cutover-elsewhere.ts'
import type { CutoverFacts } from '../runbooks/cutover-facts.ts'
import { type CutoverKind, type CutoverOptions, chooseCutover } from '../runbooks/cutover-options.ts'
import { unpreparedDns } from '../runbooks/dead-dns.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import {
  type MigratePlan,
  type MigrateRequest,
  type MigrateRun,
  planMigration,
  runMigration,
} from './migrate.ts'
import { resumeLine } from './run-hints.ts'
import { keptFlags, plannedRecord } from './run-runbook.ts'
import { openRunbookJournal } from './runbook-journal.ts'
import type { RunbookReport } from './runbook-report.ts'
import { loadCutover } from './ways.ts'

export { CUTOVERS, type CutoverKind } from '../runbooks/cutover-options.ts'

interface Wanted {
  readonly kind: CutoverKind
  /** The run that a rollback undoes. */
  readonly of?: string
  /** What has to be changed by hand where DNS could not be: told before the error. */
  readonly onElsewhere: (lines: readonly string[]) => void
}

export type CutoverRequest = Omit<MigrateRequest, 'way'> & Wanted
export type CutoverRun = Omit<MigrateRun, 'way'> & Wanted

export async function planCutover(request: CutoverRequest, signal: AbortSignal): Promise<MigratePlan> {
  const flags = await flagsOf(request, signal)
  const way = await loadCutover(request.kind)
  return await telling(request, flags, () => planMigration({ ...request, way, flags }, signal))
}

export async function runCutover(request: CutoverRun, signal: AbortSignal): Promise<RunbookReport> {
  const flags = await flagsOf(request, signal)
  const way = await loadCutover(request.kind)
  return await telling(request, flags, () => runMigration({ ...request, way, flags }, signal))
}

/** An error that DNS is to blame for says what to do without DNS, since that is what is left. */
async function telling<T>(
  { kind, onElsewhere, again = [] }: Wanted & Pick<MigrateRun, 'again'>,
  flags: WayFlags,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    const error = toLifeboatError(thrown)
    if (error.code !== 'step-failed' && error.code !== 'timed-out') throw thrown
    const dead = isTransient(error) && String(error.details?.operation).startsWith('route53:')
    const options = optionsOf(kind, flags)
    const lines = [
      ...(dead ? unpreparedDns(options) : []),
      ...(options === undefined ? [] : elsewhere(options)),
    ]
    onElsewhere(lines)
    const details = { ...error.details, elsewhere: lines }
    const run = error.details?.run
    const goOn = (...more: readonly string[]) =>
      typeof run === 'string'
        ? resumeLine({ way: `cutover ${kind}`, run: { id: run }, again }, ...more)
        : undefined
    if (error.code === 'timed-out') {
      const line = goOn('--deadline', '2h')
      const hint = line === undefined ? error.hint : `Look at what it waits for, and go on: ${line}`
      throw new LifeboatError(error.code, error.message, { cause: error, details, hint })
    }
    if (!dead) throw new LifeboatError(error.code, error.message, { cause: error, details, hint: error.hint })
    throw new LifeboatError(
      'step-failed',
      `unable to write DNS: the control plane of Route 53 gives no good answer: ${error.message}`,
      {
        ...{ cause: error, details },
        hint: `Give clients the new endpoint by the list above: it needs no control plane.${goOn() === undefined ? '' : ` Go on once it answers: ${goOn()}`}`,
      },
    )
  }
}

/** A resumed run has its endpoints in its journal; then the report has the list. */
function optionsOf(kind: CutoverKind, flags: WayFlags): CutoverOptions | undefined {
  if (flags.from === undefined || flags.source === undefined || flags.target === undefined) return undefined
  return chooseCutover(kind === 'rollback' ? 'run' : kind, flags)
}

async function flagsOf(request: CutoverRequest, signal: AbortSignal): Promise<WayFlags> {
  const { kind, of: undone, flags, simulate } = request
  if (kind !== 'rollback') {
    if (undone !== undefined)
      throw usage('--of is of rollback only', 'Leave it out, or type lifeboat cutover rollback.')
    return simulate === undefined ? flags : rehearsed(flags, kind)
  }
  if (simulate !== undefined)
    throw usage(
      'each rehearsal has a cloud of its own, in which nothing was switched',
      'Rehearse lifeboat cutover run --simulate; its report shows how to go back.',
    )
  if (undone === undefined) return flags
  return { ...(await undoing(request, undone, signal)), ...flags }
}

/** The cloud in memory has a database and its replica, named after the first label of the endpoint. */
function rehearsed(flags: WayFlags, kind: CutoverKind): WayFlags {
  const { source, target, from, to } = flags
  const [label = ''] = (from ?? 'shop').split('.')
  const endpoint = (id: string, region = '') => `${id}.c1sim.${region}.rds.amazonaws.com:3306`
  return {
    ...{ ...flags, db: [label], from: from ?? endpoint(label, source) },
    ...((kind === 'run' || flags.failoverRecords === true) && {
      to: to ?? endpoint(`${label}-replica`, target),
    }),
  }
}

/** What a run has found and changed, the other way round. */
export async function undoing(
  { stateFolder, sink, onEvent }: Pick<CutoverRequest, 'stateFolder' | 'sink' | 'onEvent'>,
  run: string,
  signal: AbortSignal,
): Promise<WayFlags> {
  const journal = await openRunbookJournal(
    { folder: stateFolder, run, simulated: false, onEvent, ...(sink !== undefined && { sink }) },
    signal,
  )
  const planned = plannedRecord(journal)
  if (planned?.way !== 'cutover run')
    throw usage(
      planned === undefined
        ? `nothing is known here of run '${run}'`
        : `run '${run}' is one of '${planned.way}'`,
      `Runs are remembered in ${join(stateFolder, 'runbooks')} of the machine that began them, and at the sink that --at names.`,
    )
  const { source, target, from, to, resolver, template, service } = keptFlags(journal) as WayFlags
  const { changes } = planned.facts as CutoverFacts
  // Only what the run had begun to switch: the rest is as it was.
  const begun = new Set(journal.records.flatMap((record) => (record.event === 'step' ? [record.step] : [])))
  const kept = changes.filter((_, index) => begun.has(`switch-${index + 1}`))
  return {
    ...(source !== undefined && { source }),
    ...(target !== undefined && { target }),
    ...(to !== undefined && { from: to }),
    ...(from !== undefined && { to: from }),
    ...(resolver !== undefined && { resolver }),
    ...(template !== undefined && { template }),
    ...(service !== undefined && { service }),
    kept,
  }
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to cut over: ${reason}`, { hint })
}
