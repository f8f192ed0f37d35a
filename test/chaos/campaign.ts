import { messageOf } from '../../src/core/errors.ts'
import { createSlots } from '../../src/core/slots.ts'
import { makeKeys } from './keys.ts'
import { runMemoryPlan } from './memory-run.ts'
import type { ChaosPlan } from './plan.ts'
import type { RunReport } from './report.ts'
import { createRoots, newFolder } from './roots.ts'
import { runServerPlan } from './server-run.ts'
import { createServers } from './servers.ts'
import { createViolations, type Violations } from './violations.ts'

export interface Campaign {
  readonly plans: readonly ChaosPlan[]
  /** After so long no further run is begun. */
  readonly limitMs?: number
  readonly onRun?: (report: RunReport) => void
}

/** A run that takes longer hangs: every wait in lifeboat is bounded, and those that chaos meets are short. */
const RUN_MS = 600_000
/** Most of a run is waiting: for a lease to expire, for a tool, for a stall to be given up. */
const AT_ONCE = 3

/** Each run is on a place of its own. Never rejects for what lifeboat does: that is in the reports. */
export async function runCampaign({
  plans,
  limitMs = Number.POSITIVE_INFINITY,
  onRun,
}: Campaign): Promise<readonly RunReport[]> {
  await using folder = await newFolder('keys')
  await using roots = createRoots()
  await using servers = createServers()
  const context = { keys: await makeKeys(folder.path), roots, servers }
  const reports: RunReport[] = []
  const waiting = [...plans]
  const endMs = performance.now() + limitMs
  /** Runs of real servers share them, and so come one after the other. */
  const real = createSlots(1)
  const work = async () => {
    while (performance.now() < endMs) {
      const plan = waiting.shift()
      if (plan === undefined) return
      await runOne(plan)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return reports.sort((a, b) => a.plan.run - b.plan.run)

  async function runOne(plan: ChaosPlan): Promise<void> {
    const run = () =>
      reportOf(plan, (violations) =>
        plan.engine === 'memory'
          ? runMemoryPlan(plan, context, violations)
          : runServerPlan(plan, context, violations),
      )
    const report = await (plan.engine === 'memory' ? run() : real.run(run, new AbortController().signal))
    reports.push(report)
    onRun?.(report)
  }
}

async function reportOf(
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
