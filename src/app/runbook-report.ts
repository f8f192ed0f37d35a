import type { CheckRow, Runbook, RunName, SeenFacts, StepEffect } from '../core/runbook.ts'
import { besideReport } from './beside-dump.ts'
import { type PolicyReport, policyLines, policyReport } from './policy-report.ts'
import type { BesideRecord, RunbookJournal, RunbookRecord, StepState } from './runbook-journal.ts'

/** What a run has done, from its journal alone. docs/json.md describes it. */
export interface RunbookReport {
  readonly run: string
  readonly way: string
  /** `done`, or the code of the error that ended the last attempt. */
  readonly outcome: string
  readonly started: string
  readonly ended: string
  /** How often it was started. */
  readonly attempts: number
  readonly steps: readonly StepReport[]
  readonly warnings: readonly string[]
  readonly afterwards: readonly string[]
  readonly rollback: readonly string[]
  readonly journal: string
  /** Null where nothing was demanded of it, and nothing promised. */
  readonly policy: PolicyReport | null
  /** Of a dump that went on beside it; null where none did. */
  readonly beside: BesideReport | null
}

export interface BesideReport {
  readonly job: string
  /** `under-way` too where its process died before its end. */
  readonly state: BesideRecord['state']
  readonly backup: string | null
  readonly sink: string | null
  readonly reason: string | null
}

export interface StepReport {
  readonly id: string
  readonly title: string
  readonly effect: StepEffect
  /** `not-reached`, or the last that was seen of it. */
  readonly state: StepState | 'not-reached'
  /** Whether a run has asked for it: what was found done was not. */
  readonly applied: boolean
  readonly started: string | null
  readonly ended: string | null
  readonly reason: string | null
  readonly seen: SeenFacts
  /** Of the last look; empty for a step that has no checklist. */
  readonly checks: readonly CheckRow[]
}

export function runbookReport<Ports>(
  runbook: Runbook<Ports>,
  run: RunName,
  { records, path }: Pick<RunbookJournal, 'records' | 'path'>,
): RunbookReport {
  const last = records.findLast((record) => record.event === 'ended')
  return {
    run: run.id,
    way: runbook.way,
    outcome: last?.outcome ?? 'unfinished',
    started: records[0]?.at ?? '',
    ended: records.at(-1)?.at ?? '',
    attempts: records.filter(({ event }) => event === 'started').length,
    steps: runbook.steps.map(({ id, title, effect }) => {
      const own = records.filter((record) => record.event === 'step' && record.step === id) as StepRecord[]
      const final = own.at(-1)
      return {
        ...{ id, title, effect },
        state: final?.state ?? 'not-reached',
        applied: own.some(({ state }) => state === 'applying'),
        started: own[0]?.at ?? null,
        ended: final?.state === 'done' ? final.at : null,
        reason: final?.reason ?? null,
        seen: Object.assign({}, ...own.map(({ seen }) => seen ?? {})),
        checks: own.findLast(({ checks }) => checks !== undefined)?.checks ?? [],
      }
    }),
    warnings: runbook.warnings,
    afterwards: runbook.afterwards,
    rollback: runbook.rollback,
    journal: path,
    policy: policyReport({ records }, last?.outcome ?? 'unfinished'),
    beside: besideReport(records),
  }
}

type StepRecord = Extract<RunbookRecord, { event: 'step' }>

export function reportText(report: RunbookReport): string {
  const lines = [
    `${report.way}, run ${report.run}: ${report.outcome}`,
    `from ${report.started} to ${report.ended}, started ${report.attempts === 1 ? 'once' : `${report.attempts} times`}`,
    '',
    ...report.steps.flatMap((step, index) => [
      `${index + 1}. ${step.title}: ${step.state}${step.state === 'done' && !step.applied && step.effect !== 'read' ? ' (found so)' : ''}`,
      ...(step.reason === null ? [] : [`   ${step.reason}`]),
      ...Object.entries(step.seen).map(([name, value]) => `   ${name}: ${value ?? 'unknown'}`),
      ...checkLines(step.checks).map((line) => `   ${line}`),
    ]),
    ...(report.policy === null ? [] : section('Held to', policyLines(report.policy))),
    ...(report.beside === null ? [] : section('Beside it', [besideLine(report.beside)])),
    ...section('Beware', report.warnings),
    ...section('Afterwards', report.afterwards),
    ...section('To go back', report.rollback),
    '',
    `journal: ${report.journal}`,
  ]
  return `${lines.join('\n')}\n`
}

function besideLine({ job, state, backup, sink, reason }: BesideReport): string {
  const how = state === 'done' ? `backup ${backup} at ${sink}` : (reason ?? 'not ended when this was written')
  return `dump of job ${job}: ${state}, ${how}`
}

/** As a table, with the lines to type below the row that they are of. */
export function checkLines(checks: readonly CheckRow[]): readonly string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length))
  return checks.flatMap(({ name, state, found, source, lines = [], accept }) => [
    `${state.padEnd(8)} ${name.padEnd(width)}  ${found}${source === undefined || source === found ? '' : `; the source: ${source}`}`,
    ...lines.map((line) => `${' '.repeat(width + 11)}${line}`),
    ...(state === 'failed' && accept !== undefined
      ? [`${' '.repeat(width + 11)}or take it: --accept ${accept}`]
      : []),
  ])
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `- ${line}`)]
}
