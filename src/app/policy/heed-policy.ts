import type { Classification } from '../../core/classification.ts'
import type { OnEvent } from '../run-event.ts'
import { undrilledSince } from './drill-rule.ts'
import { type DumpFactsRequest, gatherDumpFacts } from './dump-facts.ts'
import { DUMP_RULES, type DumpFacts } from './dump-rules.ts'
import { refusal } from './refusal.ts'
import { type Broken, brokenOf, judge, type Verdict } from './rule.ts'

export interface ClassifiedDump extends DumpFactsRequest {
  readonly classification: Classification
  /** Whether somebody said so. */
  readonly classified: boolean
}

export interface JudgedDump {
  readonly facts: DumpFacts
  readonly verdicts: readonly Verdict[]
}

export async function judgeDump(dump: ClassifiedDump, signal: AbortSignal): Promise<JudgedDump> {
  const { classification } = dump
  const asks = DUMP_RULES.some((rule) => rule.asksPlaces && rule.classes.includes(classification))
  const ask = asks ? dump.ask : { notAsked: 'no rule needs it' }
  const facts = await gatherDumpFacts({ ...dump, ask }, signal)
  return { facts, verdicts: judge(DUMP_RULES, classification, facts) }
}

export interface DumpPolicy {
  /** Undefined: nothing is demanded. */
  readonly dump: ClassifiedDump | undefined
  /** Undefined unless the operator asked for it: what else it goes without. */
  readonly emergency: { readonly without: readonly string[] } | undefined
  readonly onEvent: OnEvent
}

/** For the manifest. */
export interface PolicyRecord {
  readonly classification?: Classification
  readonly emergency?: { readonly overridden: string[] }
  /** Where the class demands drills, and none has passed. */
  readonly undrilledSince?: string
}

const NOT_ASKED = 'an emergency waits for no answer'

/** Throws `policy` with all that is not met, unless it is an emergency: then it says what is overridden. */
export async function heedDumpPolicy(
  { dump, emergency, onEvent }: DumpPolicy,
  signal: AbortSignal,
): Promise<PolicyRecord> {
  const classification = dump && { classification: dump.classification }
  if (emergency === undefined) {
    if (dump === undefined) return {}
    const { facts, verdicts } = await judgeDump(dump, signal)
    const refused = refusal({ what: `dump job '${dump.job}'`, ...dump, verdicts })
    if (refused !== undefined) throw refused
    const since = verdicts.some(({ rule }) => rule === 'drill') ? undrilledSince(facts.drill) : undefined
    return { ...classification, ...(since !== undefined && { undrilledSince: since.toISOString() }) }
  }
  const verdicts =
    dump === undefined ? [] : (await judgeDump({ ...dump, ask: { notAsked: NOT_ASKED } }, signal)).verdicts
  const broken = brokenOf(verdicts)
  const without = emergency.without.filter((name) => !broken.some(({ rule }) => rule === name))
  const overridden = [...broken.map(({ rule }) => rule), ...without]
  onEvent({ kind: 'warning', ...emergencyText(broken, without) })
  return { ...classification, emergency: { overridden } }
}

function emergencyText(broken: readonly Broken[], without: readonly string[]) {
  const told = [...broken.map(({ rule, found }) => `${rule} (${found})`), ...without]
  return {
    message: `emergency: ${told.length === 0 ? 'nothing had to be overridden' : `overridden: ${told.join(', ')}`}`,
    hint: 'the manifest says so; mend it when the data is out',
  }
}
