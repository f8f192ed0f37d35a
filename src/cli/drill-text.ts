import { showTime } from '../app/drill/refusals.ts'
import type { DrillReport } from '../app/drill/run-drill.ts'
import type { Evidence } from '../core/evidence.ts'
import { showCount } from './amounts.ts'
import { printable } from './printable.ts'

/** What a drill found, for people. */
export function drillText(report: DrillReport, sink: string): string {
  const { evidence, key, checks } = report
  const { backup, target, rto, rpo, phases, tables, rows, counted } = evidence
  const server = target.server === null ? '' : ` (${target.server.flavour} ${target.server.version})`
  const lines = [
    `drill of job ${evidence.job}: ${OUTCOMES[evidence.outcome]}`,
    `backup   ${backup.id}${backup.signedBy === null ? '' : `, signed by ${backup.signedBy}`}, at ${sink}`,
    `into     ${TARGETS[target.kind]}${server}`,
    `rows     ${counted ? `${showCount(rows, 'row')} in ${showCount(tables, 'table')}, all counted and equal` : 'not compared'}`,
    ...checks.map(
      ({ name, expect, outcome, reason }) =>
        `check    ${printable(name)} (${printable(expect)}): ${outcome}${reason === undefined ? '' : `: ${printable(reason)}`}`,
    ),
    `RTO      ${held(rto, 'from the start to the last check')}${phasesText(phases)}`,
    `RPO      ${held(rpo, 'from the start of the dump to that of the drill; what was written since is lost')}`,
    ...(key === undefined ? [] : [`record   ${key}${evidence.signer === undefined ? '' : ', signed'}`]),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

export const OUTCOMES: Readonly<Record<Evidence['outcome'], string>> = {
  passed: 'passed',
  failed: 'FAILED',
  'too-slow': 'restored, but TOO SLOW for what is promised',
}

const TARGETS: Readonly<Record<Evidence['target']['kind'], string>> = {
  local: 'a throwaway server of this machine',
  container: 'a throwaway server in a container',
  into: 'the scratch server that was given',
}

function held({ measuredMs, promisedMs }: Evidence['rto'], what: string): string {
  const measured = measuredMs === null ? 'not measured' : showTime(measuredMs)
  const promised = promisedMs === null ? 'nothing is promised' : `promised ${showTime(promisedMs)}`
  return `${measured} (${promised}), ${what}`
}

function phasesText({ serverMs, restoreMs, checksMs }: Evidence['phases']): string {
  const parts = [
    ['server', serverMs],
    ['restore', restoreMs],
    ['checks', checksMs],
  ] as const
  const shown = parts.flatMap(([name, ms]) => (ms === null ? [] : [`${name} ${showTime(ms)}`]))
  return shown.length === 0 ? '' : `: ${shown.join(', ')}`
}
