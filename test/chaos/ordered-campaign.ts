import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { ChaosOrder } from '../../scripts/chaos.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { runCampaign } from './campaign.ts'
import { type Pairing, planRun, planRuns } from './plan.ts'
import { describeViolations, faultOf, reportTable } from './report.ts'

/** What `npm run chaos` asks for. */
test('the campaign that was ordered', { timeout: 24 * 3_600_000 }, async () => {
  const order: ChaosOrder = JSON.parse(process.env.LIFEBOAT_CHAOS ?? '')
  const pairings = order.pairings.filter(isPossible)
  const missing = order.pairings.filter((pairing) => !isPossible(pairing))
  const reports = await runCampaign({
    ...(order.minutes !== undefined && { limitMs: order.minutes * 60_000 }),
    plans:
      order.run === undefined
        ? planRuns(order.seed, order.runs, pairings)
        : order.run.map((run) => planRun(order.seed, run)),
    onRun({ plan, outcome, violations, durationMs }) {
      const end = violations.length === 0 ? outcome : `${outcome}, VIOLATED: ${violations.join('; ')}`
      process.stderr.write(
        `chaos: run ${plan.run}: ${plan.engine}/${plan.sink}, ${faultOf(plan)}: ${end}, ${Math.round(durationMs)} ms\n`,
      )
    },
  })
  const left = missing.length === 0 ? '' : `not possible on this machine: ${missing.join(', ')}\n`
  await writeFile(
    order.report,
    `seed ${order.seed}\n${reportTable(reports)}\n${left}${describeViolations(reports)}`,
  )
  expect(reports.flatMap(({ violations }) => violations)).toEqual([])
})

const NEEDS: Readonly<Record<string, readonly Requirement[]>> = {
  mariadb: ['mariadb'],
  postgres: ['postgres'],
  ssh: ['ssh'],
  s3: ['s3'],
}

function isPossible(pairing: Pairing): boolean {
  return pairing.split('/').every((half) => !lacks(...(NEEDS[half] ?? [])))
}
