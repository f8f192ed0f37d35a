import type { Classification } from '../../core/classification.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Broken, brokenOf, type Verdict } from './rule.ts'

export interface RefusedRun {
  /** `dump job 'shop'`. */
  readonly what: string
  readonly classification: Classification
  /** False where nobody said it, and the job counts as regulated. */
  readonly classified: boolean
  readonly verdicts: readonly Verdict[]
  /** Where an emergency is written down, with its verb. */
  readonly keptIn?: string
}

/** Every rule that is broken, each with what was found and what to do; undefined where none is. */
export function refusal({
  what,
  classification,
  classified,
  verdicts,
  keptIn = 'the manifest says',
}: RefusedRun): LifeboatError | undefined {
  const broken = brokenOf(verdicts)
  if (broken.length === 0) return undefined
  const count = broken.length === 1 ? 'a rule' : `${broken.length} rules`
  const of = classified
    ? `its class, ${classification},`
    : `class ${classification}, as which it counts since it states none,`
  return new LifeboatError(
    'policy',
    [
      `unable to ${what}: ${count} of ${of} ${broken.length === 1 ? 'is' : 'are'} not met`,
      ...broken.map(brokenText),
    ].join('\n'),
    {
      hint: classified
        ? `Mend what each line says; if the data must be out now, add --emergency: it overrides them, and ${keptIn} so.`
        : `Mend what each line says, or give the job its classification:; if the data must be out now, add --emergency: it overrides them, and ${keptIn} so.`,
      details: {
        classification,
        classified,
        broken: broken.map(({ rule, demand, state, found, remedy }) => ({
          rule,
          demand,
          state,
          found,
          remedy,
        })),
      },
    },
  )
}

export function brokenText({ rule, demand, state, found, remedy }: Broken): string {
  return `${rule}: ${demand}; ${state === 'unknown' ? `that is not known (${found})` : found}. ${remedy}`
}
