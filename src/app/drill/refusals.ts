import { LifeboatError, toLifeboatError } from '../../core/errors.ts'
import type { CheckResult } from './check.ts'

/** The same without the advice that is for a restore: a drill has no --replace, unless its server was given. */
export function asDrillFailure(thrown: unknown): LifeboatError {
  const failure = toLifeboatError(thrown)
  if (!/--(replace|alongside|same-server-ok)\b/.test(failure.hint ?? '')) return failure
  const refused = failure.code === 'confirmation-required' || failure.code === 'source-protected'
  const cause = failure.cause instanceof LifeboatError ? failure.cause.hint : undefined
  return new LifeboatError(failure.code, failure.message, {
    hint: refused
      ? 'Nothing was changed. A drill needs an empty server of its own: give another one with --into, or leave --into out.'
      : (cause ??
        'This backup did not restore as it was dumped: run lifeboat verify --deep with the key on it, then drill another one or another copy.'),
    cause: failure,
    details: failure.details,
  })
}

export function failedChecks(checks: readonly CheckResult[]): LifeboatError | undefined {
  const failed = checks.filter(({ outcome }) => outcome === 'failed')
  if (failed.length === 0) return undefined
  const lines = failed.map(({ name, expect, reason }) => `check '${name}' (${expect}): ${reason}`)
  return new LifeboatError(
    'integrity',
    `unable to pass the drill: ${failed.length} of ${checks.length} checks failed\n${lines.join('\n')}`,
    {
      hint: 'Everything was restored as it was dumped, so the data were like this at the source, or the check is wrong: ask the source the same.',
      details: { failed: failed.map(({ name }) => name) },
    },
  )
}

/** A restore whose rows nobody could compare is only proven by what was asked of it. */
export function unproven(
  restored: { readonly verified: boolean } | undefined,
  checks: readonly CheckResult[],
): LifeboatError | undefined {
  if (restored === undefined || restored.verified || checks.length > 0) return undefined
  return new LifeboatError(
    'integrity',
    'unable to pass the drill: no rows were counted when this backup was made, and there are no checks',
    { hint: 'Dump with counts: exact, or write checks: for the job, so that a drill can prove something.' },
  )
}

export interface Measured {
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
}

export function tooSlow(
  measured: Measured,
  promised: Partial<Measured>,
  job: string,
): LifeboatError | undefined {
  const over = (
    [
      ['RTO', 'the restore took', measured.rtoMs, promised.rtoMs],
      ['RPO', 'the data are', measured.rpoMs, promised.rpoMs],
    ] as const
  ).flatMap(([name, what, ms, mostMs]) => {
    if (ms === undefined || mostMs === undefined || ms <= mostMs) return []
    const old = name === 'RPO' ? ' old' : ''
    return [`${what} ${showTime(ms)}${old}, and the ${name} is ${showTime(mostMs)}`]
  })
  if (over.length === 0) return undefined
  return new LifeboatError('policy', `unable to keep what is promised for job '${job}': ${over.join('; ')}`, {
    hint: 'The backup itself is good. Dump more often, restore with more jobs or on a larger machine, or state an RTO and RPO that hold.',
    details: { ...measured, promisedRtoMs: promised.rtoMs ?? null, promisedRpoMs: promised.rpoMs ?? null },
  })
}

/** 90000 → `1.5 min`. */
export function showTime(ms: number): string {
  const [amount, unit] =
    ms < 60_000
      ? [ms / 1000, 's']
      : ms < 7_200_000
        ? [ms / 60_000, 'min']
        : ms < 259_200_000
          ? [ms / 3_600_000, 'h']
          : [ms / 86_400_000, 'days']
  return `${Number(amount.toFixed(1))} ${unit}`
}
