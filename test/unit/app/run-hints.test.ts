import { expect, test } from 'vitest'
import { late, resumeHint, resumeLine } from '../../../src/app/run-hints.ts'
import { loadWay } from '../../../src/app/ways.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import type { WayFlags } from '../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish } from '../../../src/simulation/scene.ts'
import { createRunbookScene, RUN } from '../../testbed/runbook-scene.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const flags: WayFlags & typeof regions = { ...regions, db: ['shop'], accept: ['split-brain'] }
const scene = async () =>
  await createRunbookScene({
    way: await loadWay('promote-replica'),
    flags,
    furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
    expectDone: () => undefined,
  })
const again = ['--login', 'mysql://admin@any', '--password', 'prompt:']

test('once the database stands, a deadline offers no other way: only looks are left', async () => {
  await using promoted = await scene()
  // Rows that take longer to count than anybody waits.
  const ports = simulatedPorts(promoted.world, regions.source, regions.target)
  const rows = { look: () => Promise.resolve({ state: 'running', reason: 'counting rows' } as const) }
  const error = await promoted.run({ ports: { ...ports, rows }, deadlineMs: 2 * 3_600_000, again }).then(
    () => undefined,
    (thrown: LifeboatError) => thrown,
  )
  expect(error).toMatchObject({
    code: 'timed-out',
    message:
      "unable to end 'promote-replica' within 120 minutes: it did not get past 'look whether shop-replica is fit to take over'",
    hint: `shop-replica is made, and what is left only looks at it: give that longer with lifeboat migrate promote-replica --resume ${RUN.id} --login mysql://admin@any --password prompt: --deadline 24h. Rows are counted anew; without --backups they are not.`,
  })
  expect(error?.details).not.toHaveProperty('offer')
  expect((await promoted.run()).outcome).toBe('done')
})

test('before that it does, and says where it was', async () => {
  await using begun = await scene()
  const { runbook } = await begun.plan()
  const resumable = { way: 'promote-replica', run: RUN, again: [] }
  const index = runbook.steps.findIndex(({ id }) => id === 'promote')
  const error = late(resumable, flags, runbook, index, 60_000)
  expect(error.message).toBe(
    "unable to end 'promote-replica' within 1 minute: it did not get past 'promote shop-replica'",
  )
  expect(error.hint).toMatch(/goes on at AWS.*--deadline 4h.*migrate native/)
})

test('a line to go on with has what nobody keeps', () => {
  const resumable = { way: 'cutover run', run: RUN, again }
  expect(resumeLine(resumable)).toBe(
    `lifeboat cutover run --resume ${RUN.id} --login mysql://admin@any --password prompt:`,
  )
  const confirm = new LifeboatError('confirmation-required', 'unable to switch')
  expect(resumeHint(confirm, resumable)).toMatch(/--password prompt: --confirm$/)
})
