import type { ReadLastDrill } from '../app/policy/drill-history.ts'
import type { Ask } from '../app/policy/dump-facts.ts'
import type { Verdict } from '../app/policy/rule.ts'
import type { DumpPlan } from './dump-plan.ts'
import { classifiedDump } from './dump-policy.ts'
import { strings } from './summary.ts'

/** Drills as the places record them; where signers are trusted, only what they vouch for. */
export function drillsTrusting(signers: readonly string[]): ReadLastDrill {
  return async (sink, job, signal) => {
    const [{ lastDrill }, { createManifestTrust }] = await Promise.all([
      import('../app/drill/last-drill.ts'),
      import('../app/registry.ts'),
    ])
    return lastDrill(sink, job, signal, await createManifestTrust(signers))
  }
}

/** What the rules say of a job of the configuration, without a run. */
export async function judgeJob(
  plan: DumpPlan,
  { audit, ask }: { readonly audit: boolean; readonly ask: Ask },
  signal: AbortSignal,
): Promise<readonly Verdict[]> {
  const [{ judgeDump }, { createEncodeStages }] = await Promise.all([
    import('../app/policy/heed-policy.ts'),
    import('../app/registry.ts'),
  ])
  const { recipients } = plan
  const dump = await classifiedDump(plan, {
    audit,
    ask,
    fingerprints: async () => {
      const stages = await createEncodeStages({ codec: 'none', level: undefined, recipients })
      return stages.flatMap(({ facts }) => strings(facts.recipients))
    },
  })
  return dump === undefined ? [] : (await judgeDump(dump, signal)).verdicts
}
