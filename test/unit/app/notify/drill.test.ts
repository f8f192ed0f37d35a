import { expect, test } from 'vitest'
import { FORMATS } from '../../../../src/app/notify/formats.ts'
import type { Notification } from '../../../../src/app/notify/notification.ts'
import type { RunOutcome } from '../../../../src/app/run-watch.ts'

const started = new Date('2026-11-23T03:30:00Z')
const ended = new Date('2026-11-23T03:31:30Z')
const outcome = (exitCode: number): RunOutcome => ({
  verb: 'drill',
  job: 'shop',
  started,
  ended,
  durationMs: 90_000,
  exitCode,
  ...(exitCode !== 0 && { code: 'policy' }),
  drill: {
    id: '20261123T033000Z-w2ra',
    backup: '20261122T033000Z-k3f9',
    outcome: exitCode === 0 ? 'passed' : 'too-slow',
    rtoMs: 90_000,
    rpoMs: 86_400_000,
  },
})
const told = (stage: 'success' | 'failure', exitCode: number): Notification => ({
  ...{ stage, verb: 'drill', job: 'shop', host: 'bastion', at: ended, outcome: outcome(exitCode) },
})
const address = { url: 'http://127.0.0.1/hook', key: 'secret' }
const body = (type: keyof typeof FORMATS, notification: Notification) =>
  JSON.parse(FORMATS[type](notification, address)?.body ?? 'null')

test('a drill is told as one, with what it measured', () => {
  expect(body('webhook', told('success', 0))).toMatchObject({
    event: 'drill.success',
    backup: null,
    drill: { outcome: 'passed', backup: '20261122T033000Z-k3f9', rtoMs: 90_000, rpoMs: 86_400_000 },
  })
  expect(body('slack', told('success', 0)).text).toMatch(/shop passed a drill after 90 s on bastion/)
  expect(body('slack', told('failure', 44)).text).toMatch(
    /the drill of shop FAILED .*policy \(exit code 44\)/,
  )
})

test('its incident is not that of a dump, which would close it', () => {
  expect(body('pagerduty', told('failure', 44)).dedup_key).toBe('lifeboat/shop/drill')
  expect(body('pagerduty', told('success', 0))).toMatchObject({
    dedup_key: 'lifeboat/shop/drill',
    event_action: 'resolve',
  })
})
