import { messageOf } from '../../src/core/errors.ts'
import { makeKeys } from './keys.ts'
import { runMemoryPlan } from './memory-run.ts'
import { type ChaosPlan, type Pairing, planRun } from './plan.ts'
import type { RunReport } from './report.ts'
import { createRoots, newFolder } from './roots.ts'
import { runServerPlan } from './server-run.ts'
import { createServers } from './servers.ts'
import { createViolations, type Violations } from './violations.ts'

export interface Campaign {
  readonly seed: string
  /** Numbers of the runs. */
  readonly runs: readonly number[]
  readonly pairings: readonly Pairing[]
  readonly onRun?: (report: RunReport) => void
}

/** A run that takes longer hangs: every wait in lifeboat is bounded, and those that chaos meets are short. */
const RUN_MS = 120_000

/** One run after the other, each on a place of its own. Never rejects for what lifeboat does: that is in the reports. */
export async function runCampaign({ seed, runs, pairings, onRun }: Campaign): Promise<readonly RunReport[]> {
  await using folder = await newFolder('keys')
  await using roots = createRoots()
  await using servers = createServers()
  const context = { keys: await makeKeys(folder.path), roots, servers }
  const reports: RunReport[] = []
  for (const run of runs) {
    const plan = planRun(seed, run, pairings)
    const report = await report1(plan, (violations) =>
      plan.engine === 'memory'
        ? runMemoryPlan(plan, context, violations)
        : runServerPlan(plan, context, violations),
    )
    reports.push(report)
    onRun?.(report)
  }
  return reports
}

async function report1(
  plan: ChaosPlan,
  work: (violations: Violations) => Promise<{ readonly struck: boolean; readonly outcome: string }>,
): Promise<RunReport> {
  const violations = createViolations()
  const beganMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${RUN_MS / 1000} s`)), RUN_MS)
  })
  try {
    const { struck, outcome } = await Promise.race([work(violations), hung])
    return { plan, struck, outcome, violations: violations.found, durationMs: performance.now() - beganMs }
  } catch (thrown) {
    const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
    violations.expect(false, `the run itself failed: ${messageOf(thrown)}\n${stack}`)
    const durationMs = performance.now() - beganMs
    return { plan, struck: true, outcome: 'failed', violations: violations.found, durationMs }
  } finally {
    clearTimeout(timer)
  }
}
