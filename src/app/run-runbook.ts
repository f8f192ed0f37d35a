import { hostname } from 'node:os'
import { version } from '../config/version.ts'
import type { Clock } from '../core/clock.ts'
import { isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import type { Observation, Runbook, RunName, Step, Way } from '../core/runbook.ts'
import { nativeOffer, silentRegion } from './native-offer.ts'
import type { MigrationPolicyRecord } from './policy/heed-migration.ts'
import { late, type Resumable, resumeHint, resumeLine, silent } from './run-hints.ts'
import { runStep } from './run-step.ts'
import type { RunbookJournal, RunbookRecord, StepState } from './runbook-journal.ts'
import { type RunbookReport, reportText, runbookReport } from './runbook-report.ts'

/** How a step stands, for whoever watches. */
export interface StepEvent {
  readonly step: string
  readonly title: string
  readonly number: number
  readonly steps: number
  readonly state: StepState
  readonly percent?: number
  readonly reason?: string
}

export interface RunbookRequest<Flags, Ports> {
  readonly way: Way<Flags, unknown, unknown, Ports>
  readonly flags: Flags
  readonly ports: Ports
  readonly run: RunName
  readonly journal: RunbookJournal
  readonly clock: Clock
  readonly confirm: boolean
  /** From now on; each resumption has its own. */
  readonly deadlineMs: number
  readonly onStep: (event: StepEvent) => void
  /** Once it is planned, allowed and written down that it begins. */
  readonly onBegin?: () => void
  /** What nobody keeps, and has to be typed again with --resume. */
  readonly again?: readonly string[]
  /** Why a call is tried again before there is a plan, and how long that may go on. */
  readonly onRetry?: (message: string) => void
  /** May refuse what is planned, before anything of it is written down or done; else carries it out, within something of its own. */
  readonly around?: (
    planned: PlannedRun<Ports>,
    carryOut: (policy: MigrationPolicyRecord | undefined) => Promise<RunbookReport>,
  ) => Promise<RunbookReport>
}

export interface PlannedRun<Ports> {
  readonly runbook: Runbook<Ports>
  readonly facts: unknown
}

const GATHER_MS = 3 * 60_000

/** Reads what the plan depends on, with patience for a control plane that is throttled, and says what would be done. */
export async function planRunbook<Flags, Ports>(
  {
    way,
    flags,
    ports,
    run,
    clock,
    onRetry,
  }: Pick<RunbookRequest<Flags, Ports>, 'way' | 'flags' | 'ports' | 'run' | 'clock' | 'onRetry'>,
  signal: AbortSignal,
): Promise<{ readonly runbook: Runbook<Ports>; readonly facts: unknown }> {
  const options = way.choose(flags)
  const startMs = clock.monotonicMs()
  for (let delayMs = 1000; ; delayMs = Math.min(delayMs * 2, 20_000)) {
    throwIfAborted(signal)
    try {
      const facts = await way.gather(options, ports, signal)
      return { runbook: way.plan(options, facts, run), facts }
    } catch (thrown) {
      if (!isTransient(thrown)) throw thrown
      const leftMs = startMs + GATHER_MS - clock.monotonicMs()
      if (leftMs < 0) throw silent(way.name, flags, thrown)
      onRetry?.(`${messageOf(thrown)}; asking again for up to ${Math.ceil(leftMs / 1000)} s`)
    }
    await clock.sleep(delayMs, signal)
  }
}

/**
 * Runs a way out to its end, or goes on where an earlier run of the same id has stopped, wherever that was. What has been
 * done is not done again. The report is written in any case, and is in the error's `details.report` (a path) too.
 */
export async function runRunbook<Flags, Ports>(
  request: RunbookRequest<Flags, Ports>,
  signal: AbortSignal,
): Promise<RunbookReport> {
  const { around = (_, carryOut) => carryOut(undefined) } = request
  const { news, ...planned } = await resumeOrPlan(request, signal)
  return await around(planned, (policy) => carryOut(request, planned.runbook, news, policy, signal))
}

async function carryOut<Flags, Ports>(
  request: RunbookRequest<Flags, Ports>,
  runbook: Runbook<Ports>,
  news: readonly RunbookRecord[],
  policy: MigrationPolicyRecord | undefined,
  signal: AbortSignal,
): Promise<RunbookReport> {
  const { way, journal, clock, run } = request
  const resumable: Resumable = { way: way.name, run, again: request.again ?? [] }
  const at = () => clock.now().toISOString()
  for (const record of news) await journal.append(record, signal)
  if (policy !== undefined) await journal.append({ event: 'policy', at: at(), ...policy }, signal)
  await journal.append({ event: 'started', at: at(), host: hostname(), lifeboat: version }, signal)
  request.onBegin?.()
  const end = async (outcome: string) => {
    // What happened is written down even where the operator has given up.
    const lasting = new AbortController().signal
    await journal.append({ event: 'ended', at: at(), outcome }, lasting)
    const report = runbookReport(runbook, run, journal)
    await attachReport(journal, report, lasting)
    return report
  }
  try {
    const startMs = clock.monotonicMs()
    for (const [index, step] of runbook.steps.entries()) {
      const checkDeadline = () => {
        if (clock.monotonicMs() - startMs > request.deadlineMs)
          throw late(resumable, request.flags, runbook, index, request.deadlineMs)
      }
      await runOne(request, runbook, step, index, checkDeadline, signal)
    }
  } catch (thrown) {
    const error = toLifeboatError(thrown)
    const report = await end(error.code)
    throw new LifeboatError(error.code, error.message, {
      hint: resumeHint(error, resumable),
      cause: error.cause ?? error,
      details: { ...error.details, run: run.id, way: way.name, report },
    })
  }
  return end('done')
}

/** For people and for programs. */
export async function attachReport(
  journal: Pick<RunbookJournal, 'attach'>,
  report: RunbookReport,
  signal: AbortSignal,
): Promise<void> {
  await journal.attach('report.json', `${JSON.stringify(report, undefined, 2)}\n`, signal)
  await journal.attach('report.txt', reportText(report), signal)
}

async function resumeOrPlan<Flags, Ports>(
  request: RunbookRequest<Flags, Ports>,
  signal: AbortSignal,
): Promise<PlannedRun<Ports> & { readonly news: readonly RunbookRecord[] }> {
  const { way, journal, clock, run, flags } = request
  const at = clock.now().toISOString()
  const planned = plannedRecord(journal)
  if (planned === undefined) {
    const { runbook, facts } = await planRunbook(request, signal)
    const steps = runbook.steps.map(({ id, effect }) => ({ id, effect }))
    const record = { at, format: 1, run: run.id, way: way.name, flags, facts, steps } as const
    return { runbook, facts, news: [{ event: 'planned', ...record }] }
  }
  if (planned.way !== way.name) {
    throw new LifeboatError('usage', `unable to resume run '${run.id}': it is one of way '${planned.way}'`, {
      hint: `Resume it with ${resumeLine({ way: planned.way, run, again: request.again ?? [] })}, or leave out --resume for a new run.`,
    })
  }
  const { facts } = planned
  const isSame = JSON.stringify(keptFlags(journal)) === JSON.stringify(flags)
  return {
    ...{ runbook: way.plan(way.choose(flags), facts, run), facts },
    news: isSame ? [] : [{ event: 'changed', at, flags }],
  }
}

export function plannedRecord(
  journal: Pick<RunbookJournal, 'records'>,
): Extract<RunbookRecord, { event: 'planned' }> | undefined {
  return journal.records.find((record) => record.event === 'planned')
}

/** The flags that a run was last given. */
export function keptFlags({ records }: Pick<RunbookJournal, 'records'>): unknown {
  return records.findLast((record) => record.event === 'planned' || record.event === 'changed')?.flags
}

async function runOne<Flags, Ports>(
  { way, flags, ports, clock, confirm, journal, onStep }: RunbookRequest<Flags, Ports>,
  runbook: Runbook<Ports>,
  step: Step<Ports>,
  index: number,
  checkDeadline: () => void,
  signal: AbortSignal,
): Promise<void> {
  const last = journal.records.findLast((record) => record.event === 'step' && record.step === step.id)
  const begun = last?.event === 'step' && last.state !== 'done' ? lastApplying(journal, step.id) : undefined
  let told = ''
  async function note(state: StepState, seen: Observation | undefined, inner: AbortSignal): Promise<void> {
    const { percent, reason, seen: facts, checks } = seen ?? {}
    const { id: name, title } = step
    onStep({
      ...{ step: name, title, number: index + 1, steps: runbook.steps.length, state },
      ...(percent !== undefined && { percent }),
      ...(reason !== undefined && { reason }),
    })
    const news = `${state} ${reason ?? ''}`
    if (news === told) return
    told = news
    const record: RunbookRecord = {
      ...{ event: 'step', at: clock.now().toISOString(), step: name, state },
      ...(percent !== undefined && { percent }),
      ...(reason !== undefined && { reason }),
      ...(facts !== undefined && { seen: facts }),
      ...(checks !== undefined && { checks: checks.map(({ told: _, ...row }) => row) }),
    }
    await journal.append(record, inner)
  }
  const guarded = runbook.steps.find(({ id }) => id === step.guards)
  const otherwise = (thrown: unknown) => nativeOffer(way.name, flags, silentRegion(thrown))
  const stepRun = { ports, clock, confirm, begun, note, checkDeadline, otherwise }
  await runStep(guarded === undefined ? step : guarding(step, guarded), stepRun, signal)
}

/** The same look, which holds by itself once what it guards has begun. */
function guarding<Ports>(step: Step<Ports>, guarded: Step<Ports>): Step<Ports> {
  return {
    ...step,
    async observe(ports, signal) {
      const { state } = await guarded.observe(ports, signal)
      if (state === 'done' || state === 'running') {
        return { state: 'done', reason: `not asked again: '${guarded.id}' has begun` }
      }
      return step.observe(ports, signal)
    },
  }
}

function lastApplying({ records }: Pick<RunbookJournal, 'records'>, step: string): Date | undefined {
  const found = records.findLast(
    (record) => record.event === 'step' && record.step === step && record.state === 'applying',
  )
  return found === undefined ? undefined : new Date(found.at)
}
