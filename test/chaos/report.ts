import type { ChaosPlan } from './plan.ts'

export interface RunReport {
  readonly plan: ChaosPlan
  readonly struck: boolean
  readonly outcome: string
  readonly violations: readonly string[]
  readonly durationMs: number
}

/** Runs by engine, sink and fault: how often the fault met something, and what was violated. */
export function reportTable(runs: readonly RunReport[]): string {
  const groups = Map.groupBy(runs, ({ plan }) => `${plan.engine}\t${plan.sink}\t${faultOf(plan)}`)
  const rows = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, members]) => [
      ...group.split('\t'),
      String(members.length),
      String(members.filter(({ struck }) => struck).length),
      tally(members.map(({ outcome }) => outcome)),
      String(sum(members.map(({ violations }) => violations.length))),
    ])
  const total = [
    'all',
    '',
    '',
    String(runs.length),
    String(runs.filter(({ struck }) => struck).length),
    `${Math.round(sum(runs.map(({ durationMs }) => durationMs)) / 1000)} s`,
    String(sum(runs.map(({ violations }) => violations.length))),
  ]
  const head = ['engine', 'sink', 'fault', 'runs', 'struck', 'how the faulty runs ended', 'violations']
  const lines = [head, ...rows, total]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What repeats the run, what was planned, and what did not hold. */
export function describeViolations(runs: readonly RunReport[]): string {
  return runs
    .filter(({ violations }) => violations.length > 0)
    .map(({ plan, violations, outcome }) =>
      [
        `run ${plan.run} ended with '${outcome}'; again: npm run chaos -- --seed ${plan.seed} --run ${plan.run}`,
        `  plan: ${JSON.stringify(plan)}`,
        ...violations.map((text) => `  violated: ${text}`),
      ].join('\n'),
    )
    .join('\n')
}

export function faultOf({ fault }: ChaosPlan): string {
  const how = 'how' in fault ? fault.how : fault.kind === 'tool' ? fault.fake : undefined
  if (fault.kind === 'signal') return `signal: ${fault.signal}`
  return how === undefined ? fault.kind : `${fault.kind}: ${how}`
}

function tally(words: readonly string[]): string {
  const counts = Map.groupBy(words, (word) => word)
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, list]) => `${word} ${list.length}`)
    .join(', ')
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
