import { expect, test } from 'vitest'
import type { RunEvent } from '../../../src/app/run-event.ts'
import { besideReporter } from '../../../src/cli/migrate-beside.ts'
import { createReporter } from '../../../src/cli/reporter.ts'
import { LifeboatError } from '../../../src/core/errors.ts'

function heard() {
  const real = createReporter({ json: true, color: false, terminal: false })
  const events: RunEvent[] = []
  const reporter = besideReporter({ ...real, onEvent: (event) => events.push(event) }, 'shop')
  return {
    real,
    reporter,
    steps: () => events.map((event) => (event.kind === 'step' ? event.message : event)),
  }
}

test('steps say whose they are, and of the bytes each tenth is told once', () => {
  const { reporter, steps } = heard()
  reporter.onEvent({ kind: 'step', message: 'looking at mysql://db' })
  reporter.onEvent({ kind: 'probed', probe: { estimateBytes: 1000 } as never })
  for (const plainBytes of [10, 99, 100, 150, 350, 2000])
    reporter.onEvent({ kind: 'progress', plainBytes, storedBytes: 1 })
  reporter.onEvent({ kind: 'part-started', number: 1, name: 'shop' })
  expect(steps()).toEqual([
    'beside, job shop: looking at mysql://db',
    ...[10, 30, 90].map((percent) => `beside, job shop: about ${percent} % dumped`),
  ])
})

test('what goes wrong is a warning of the run, and never its exit code', () => {
  const { real, reporter } = heard()
  const error = new LifeboatError('config', 'unable to write the audit log', { hint: 'Look at it.' })
  reporter.amiss(error)
  reporter.fail(error)
  reporter.onEvent({ kind: 'warning', message: 'slow' })
  expect(real.warnings).toEqual([
    ...[1, 2].map(() => ({
      message: 'beside, job shop: unable to write the audit log',
      hint: 'Look at it.',
    })),
    { message: 'beside, job shop: slow' },
  ])
  expect([real.exitCode, reporter.exitCode]).toEqual([0, 0])
})
