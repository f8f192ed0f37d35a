import type { Classification } from '../../core/classification.ts'
import type { Finding } from '../../core/finding.ts'
import { showTime, type Verdict } from './rule.ts'

/**
 * The rules as `doctor` and `config check` show them. Where no place was asked, what only a place knows is no failure: the
 * run itself asks.
 */
export function policyFindings(verdicts: readonly Verdict[], asked: boolean): readonly Finding[] {
  return verdicts.map((verdict) => {
    const { rule, demand, state, found } = verdict
    const topic = `rule ${rule}`
    if (state === 'ok') return { level: 'ok', topic, message: `${demand}: ${found}` }
    if (state === 'unknown' && !asked)
      return { level: 'ok', topic, message: `${demand}: not looked at, ${found}` }
    const message = state === 'unknown' ? `${demand}; that is not known: ${found}` : `${demand}; ${found}`
    return { level: 'failure', topic, message, hint: verdict.remedy, code: 'policy' }
  })
}

export function classText(classification: Classification, classified: boolean): string {
  return classified ? classification : `${classification}, since it states no classification`
}

export function promiseText(ms: number | undefined): string {
  return ms === undefined ? 'a time that nobody stated' : showTime(ms)
}
