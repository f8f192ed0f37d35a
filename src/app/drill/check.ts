import type { Engine } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'

/** What a check's answer must be: of its first row the first column. */
export type Expectation =
  | { readonly kind: 'equals'; readonly value: string | number | boolean }
  | { readonly kind: 'compares'; readonly by: Comparison; readonly value: number }
  | { readonly kind: 'not-empty' }
  | { readonly kind: 'max-age'; readonly mostMs: number; readonly text: string }

export type Comparison = '>=' | '<=' | '>' | '<'

export interface Check {
  readonly name: string
  /** Undefined: the one of the database URL, or none. */
  readonly database: string | undefined
  readonly query: string
  readonly expect: Expectation
}

export interface CheckResult {
  readonly name: string
  readonly expect: string
  readonly outcome: 'passed' | 'failed' | 'not-run'
  /** Only a number or a time: a text is out of the database, and stays there. */
  readonly found?: string | number
  /** For the operator's eyes alone: why it failed. */
  readonly reason?: string
}

const CHECK_MS = 10 * 60_000

/** One after the other; one that fails holds up no other. Throws only where the signal says so. */
export async function runChecks(
  engine: Engine,
  checks: readonly Check[],
  now: Date,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = []
  for (const check of checks) results.push(await runCheck(engine, check, now, signal))
  return results
}

async function runCheck(
  engine: Engine,
  { name, database, query, expect }: Check,
  now: Date,
  signal: AbortSignal,
): Promise<CheckResult> {
  const told = { name, expect: expectationText(expect) }
  if (engine.query === undefined) {
    return { ...told, outcome: 'failed', reason: `${engine.name} can run no check queries` }
  }
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)])
  try {
    return { ...told, ...judge(await engine.query(database, query, bounded), expect, now) }
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof LifeboatError)) throw thrown
    return { ...told, outcome: 'failed', reason: thrown.message }
  }
}

export function notRun(checks: readonly Check[]): readonly CheckResult[] {
  return checks.map(({ name, expect }) => ({ name, expect: expectationText(expect), outcome: 'not-run' }))
}

export function expectationText(expect: Expectation): string {
  switch (expect.kind) {
    case 'equals':
      return `= ${String(expect.value)}`
    case 'compares':
      return `${expect.by} ${expect.value}`
    case 'not-empty':
      return 'not empty'
    case 'max-age':
      return `at most ${expect.text} old`
  }
}

type Judgement = Pick<CheckResult, 'outcome' | 'found' | 'reason'>

export function judge(rows: readonly (readonly unknown[])[], expect: Expectation, now: Date): Judgement {
  const value = rows[0]?.[0]
  if (expect.kind === 'not-empty') {
    return isNothing(value) ? failed('it gave nothing') : { outcome: 'passed', ...found(value) }
  }
  if (isNothing(value)) return failed(rows.length === 0 ? 'it gave no row' : 'it gave NULL')
  switch (expect.kind) {
    case 'equals':
      return equals(value, expect.value)
        ? { outcome: 'passed', ...found(value) }
        : { ...failed(`it gave ${shown(value)}`), ...found(value) }
    case 'compares': {
      const number = toNumber(value)
      if (number === undefined) return failed(`it gave ${shown(value)}, which is no number`)
      const met = COMPARE[expect.by](number, expect.value)
      return met ? { outcome: 'passed', found: number } : { ...failed(`it gave ${number}`), found: number }
    }
    case 'max-age': {
      const time = toTime(value)
      if (time === undefined) return failed(`it gave ${shown(value)}, which is no time`)
      const at = new Date(time).toISOString()
      return now.getTime() - time <= expect.mostMs
        ? { outcome: 'passed', found: at }
        : { ...failed(`it gave ${at}`), found: at }
    }
  }
}

const COMPARE: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
}

function failed(reason: string): { readonly outcome: 'failed'; readonly reason: string } {
  return { outcome: 'failed', reason }
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined
}

/** Drivers give numbers that may pass 2^53, decimals and counts as text. */
function toNumber(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)
    ? Number(value)
    : undefined
}

function equals(value: unknown, expected: string | number | boolean): boolean {
  if (typeof expected === 'number') return toNumber(value) === expected
  if (typeof expected === 'boolean') {
    const truths: readonly unknown[] = expected ? [true, 1, 't', 'true', '1'] : [false, 0, 'f', 'false', '0']
    return truths.includes(typeof value === 'bigint' ? Number(value) : value)
  }
  return asText(value) === expected
}

function asText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)
}

/** ISO 8601 as the servers write it, `2026-11-23 05:00:00.123+00` too; seconds since 1970. UTC, unless it has a zone. */
export function toTime(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime()
  const number = toNumber(value)
  if (number !== undefined) return number > 0 && number < 1e11 ? number * 1000 : undefined
  if (typeof value !== 'string') return undefined
  const match =
    /^\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?)?\s*$/i.exec(
      value,
    )
  if (match === null) return undefined
  const [, day, clock = '00:00', zone = 'Z'] = match
  const seconds = clock.length === 5 ? `${clock}:00` : clock
  const offset = zone.toUpperCase() === 'Z' ? 'Z' : zone.length === 3 ? `${zone}:00` : zone
  const colon = /^[+-]\d{4}$/.test(offset) ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset
  const time = Date.parse(`${day}T${seconds.replace(/(\.\d{3})\d+$/, '$1')}${colon}`)
  return Number.isNaN(time) ? undefined : time
}

/** For evidence: nothing but numbers and times. */
function found(value: unknown): { readonly found?: string | number } {
  const number = toNumber(value)
  return number === undefined ? {} : { found: number }
}

/** For the operator. */
function shown(value: unknown): string {
  const text = asText(value)
  return `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}'`
}
