import type { Classification } from '../../core/classification.ts'

/** What was found out, or why it could not be. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string }

export type Judgement =
  | { readonly state: 'ok'; readonly found: string }
  | {
      /** `unknown` stops a run as `violated` does: nobody can say that it is guarded. */
      readonly state: 'violated' | 'unknown'
      readonly found: string
      /** What to do, in one sentence. */
      readonly remedy: string
    }

/** What some classes demand of an operation. A rule looks at facts alone: who gathers them is not its matter. */
export interface Rule<Facts> {
  /** Stable: in manifests and in `--json`. */
  readonly name: string
  readonly demand: string
  readonly classes: readonly Classification[]
  /** Some of its facts only the places know: where no rule of a class says so, none is asked. */
  readonly asksPlaces?: true
  readonly judge: (facts: Facts) => Judgement
}

export type Verdict = Judgement & { readonly rule: string; readonly demand: string }
export type Broken = Exclude<Verdict, { readonly state: 'ok' }>

/** What each rule of a class says, in the order of the table. */
export function judge<Facts>(
  rules: readonly Rule<Facts>[],
  classification: Classification,
  facts: Facts,
): readonly Verdict[] {
  return rules
    .filter(({ classes }) => classes.includes(classification))
    .map((rule) => ({ rule: rule.name, demand: rule.demand, ...rule.judge(facts) }))
}

export function brokenOf(verdicts: readonly Verdict[]): readonly Broken[] {
  return verdicts.filter((verdict) => verdict.state !== 'ok')
}

/** For a rule over what is simply there or not. */
export function stated(is: boolean, found: string, missing: string, remedy: string): Judgement {
  return is ? { state: 'ok', found } : { state: 'violated', found: missing, remedy }
}

export function promised(what: 'rto' | 'rpo', ms: number | undefined, meaning: string): Judgement {
  return ms !== undefined
    ? { state: 'ok', found: `${showTime(ms)} is promised` }
    : {
        state: 'violated',
        found: 'nothing is promised',
        remedy: `Write ${what}: 4h (or what ${meaning}) in the job, or give --${what}.`,
      }
}

export function showTime(ms: number): string {
  const [amount, unit] =
    ms < 7_200_000
      ? [ms / 60_000, 'min']
      : ms < 172_800_000
        ? [ms / 3_600_000, 'h']
        : [ms / 86_400_000, 'days']
  return `${Number(amount.toFixed(1))} ${unit}`
}
