import { afterEach, describe, expect, test } from 'vitest'
import { type Channel, createNotifier, type NotifierRequest } from '../../../../src/app/notify/notifier.ts'
import type { RunOutcome } from '../../../../src/app/run-watch.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { type Listener, startListener } from '../../../testbed/listener.ts'

const started = new Date('2026-11-23T03:30:00Z')
const ended = new Date('2026-11-23T03:31:30Z')
const base = { job: 'shop', started, ended, durationMs: 90_000 }
const success: RunOutcome = {
  ...base,
  exitCode: 0,
  backup: { id: '20261123T033000Z-k3f9', started, plainBytes: 2000, storedBytes: 500 },
}
const failure: RunOutcome = { ...base, exitCode: 12, code: 'engine-unreachable' }
const ALL = ['start', 'success', 'failure'] as const

describe('createNotifier', () => {
  let listener: Listener
  let warnings: string[] = []
  afterEach(async () => {
    await listener?.[Symbol.asyncDispose]()
    warnings = []
  })
  const source = (text: string | undefined) =>
    text === undefined ? undefined : () => Promise.resolve(new Secret(text))
  const channel = (type: Channel['type'], path: string, key?: string, on: Channel['on'] = ALL): Channel => ({
    name: 'ops',
    type,
    on,
    url: source(`${listener.url}${path}`),
    key: source(key),
  })
  const notifier = (channels: readonly Channel[], limits: NotifierRequest['limits'] = {}) =>
    createNotifier({
      channelsOf: (job) => (job === 'shop' ? channels : []),
      host: 'bastion',
      clock: systemClock,
      onWarning: (message) => warnings.push(message),
      limits: { pauseMs: 1, ...limits },
    })

  test('healthchecks hears of the start, and the exit code', async () => {
    listener = await startListener()
    const told = notifier([channel('healthchecks', '/uuid/?rid=1')])
    told.started('shop', started)
    told.ended(failure)
    told.ended(success)
    await told.settled()
    expect(listener.heard.map(({ method, path }) => [method, path])).toEqual([
      ['POST', '/uuid/start?rid=1'],
      ['POST', '/uuid/12?rid=1'],
      ['POST', '/uuid/0?rid=1'],
    ])
    expect(warnings).toEqual([])
  })

  test('pagerduty opens an incident of the job, and closes the same', async () => {
    listener = await startListener((_, response) => response.writeHead(202).end('{}'))
    const told = notifier([channel('pagerduty', '/v2/enqueue', 'R0UT1NG\n')])
    told.started('shop', started)
    told.ended(failure)
    told.ended(success)
    await told.settled()
    const [opened, closed, ...more] = listener.heard.map(({ body }) => JSON.parse(body))
    expect(more).toEqual([])
    expect(opened).toMatchObject({
      routing_key: 'R0UT1NG',
      event_action: 'trigger',
      dedup_key: 'lifeboat/shop',
      payload: {
        summary: expect.stringContaining(
          'shop FAILED after 90 s on bastion: engine-unreachable (exit code 12)',
        ),
        source: 'bastion',
        severity: 'critical',
        timestamp: '2026-11-23T03:31:30.000Z',
      },
    })
    expect(closed).toEqual({ routing_key: 'R0UT1NG', event_action: 'resolve', dedup_key: 'lifeboat/shop' })
  })

  test('slack gets a text', async () => {
    listener = await startListener()
    const told = notifier([channel('slack', '/services/T/B/x')])
    told.ended(success)
    await told.settled()
    expect(listener.heard[0]).toMatchObject({ path: '/services/T/B/x', method: 'POST' })
    expect(listener.heard[0]?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(listener.heard[0]?.body ?? '')).toEqual({
      text: 'lifeboat: shop is dumped after 90 s on bastion: backup 20261123T033000Z-k3f9, 2000 bytes stored as 500',
    })
  })

  test('a webhook gets the facts', async () => {
    listener = await startListener()
    const told = notifier([channel('webhook', '/hook')])
    told.started('shop', started)
    told.ended(success)
    told.ended(failure)
    await told.settled()
    expect(listener.heard.map(({ body }) => JSON.parse(body))).toEqual([
      { version: 1, event: 'dump.start', job: 'shop', host: 'bastion', at: started.toISOString() },
      {
        ...{ version: 1, event: 'dump.success', job: 'shop', host: 'bastion', at: ended.toISOString() },
        ...{ started: started.toISOString(), durationMs: 90_000, exitCode: 0, code: null },
        backup: { id: '20261123T033000Z-k3f9', plainBytes: 2000, storedBytes: 500 },
      },
      {
        ...{ version: 1, event: 'dump.failure', job: 'shop', host: 'bastion', at: ended.toISOString() },
        ...{ started: started.toISOString(), durationMs: 90_000, exitCode: 12, code: 'engine-unreachable' },
        backup: null,
      },
    ])
  })

  test('tells only of what was asked for, and of its own jobs', async () => {
    listener = await startListener()
    const told = notifier([channel('webhook', '/hook', undefined, ['failure'])])
    told.started('shop', started)
    told.ended(success)
    told.ended({ ...failure, job: 'crm' })
    // Whoever finds the job under way has not failed.
    told.ended({ ...failure, code: 'locked', exitCode: 40 })
    await told.settled()
    expect(listener.heard).toEqual([])
  })

  test('tries again what may pass', async () => {
    const answers = [503, 429, 200]
    listener = await startListener((_, response) => response.writeHead(answers.shift() ?? 500).end())
    const told = notifier([channel('webhook', '/hook')])
    told.ended(failure)
    await told.settled()
    expect(listener.heard).toHaveLength(3)
    expect(warnings).toEqual([])
  })

  test.for([
    [404, 1],
    [302, 1],
    [500, 3],
  ] as const)('warns after %d, without the address', async ([status, attempts]) => {
    listener = await startListener((_, response) =>
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(),
    )
    const told = notifier([channel('slack', '/services/T/B/secret')])
    told.ended(failure)
    await told.settled()
    expect(listener.heard).toHaveLength(attempts)
    expect(warnings).toEqual([`unable to tell 'ops' of the failure of job 'shop': it answered ${status}`])
  })

  test('one that hangs delays nobody, and is given up', async () => {
    listener = await startListener(() => undefined)
    const told = notifier([channel('webhook', '/hook')], { timeoutMs: 50, attempts: 2 })
    // Returns at once: neither throws nor gives anything to wait for.
    expect(told.started('shop', started)).toBeUndefined()
    expect(told.ended(failure)).toBeUndefined()
    await told.settled()
    expect(listener.heard).toHaveLength(3)
    expect(warnings).toEqual([
      "unable to tell 'ops' of the start of job 'shop': no answer within 0.05 s",
      "unable to tell 'ops' of the failure of job 'shop': no answer within 0.05 s",
    ])
  })

  test('many that hang are left behind as a whole', async () => {
    listener = await startListener(() => undefined)
    const told = notifier([channel('webhook', '/hook')], { timeoutMs: 60_000, settleMs: 50 })
    for (let count = 0; count < 20; count++) told.ended(failure)
    await told.settled()
    expect(warnings).toEqual(['20 notifications were not taken within 0.05 s of the end'])
  })

  test.for([
    ['not a url: secret', /no http:\/\/ or https:\/\/ URL$/],
    ['file:///etc/secret', /no http:\/\/ or https:\/\/ URL$/],
  ] as const)('warns of %s, without saying it', async ([url, reason]) => {
    const told = notifier([{ name: 'ops', type: 'webhook', on: ALL, url: source(url), key: undefined }])
    told.ended(failure)
    await told.settled()
    expect(warnings).toEqual([expect.stringMatching(reason)])
    expect(warnings.join()).not.toContain('secret')
  })

  test('warns where nobody listens', async () => {
    listener = await startListener()
    await listener[Symbol.asyncDispose]()
    const told = notifier([channel('webhook', '/secret')])
    told.ended(failure)
    await told.settled()
    expect(warnings).toEqual([expect.stringMatching(/could not be reached \(ECONNREFUSED\)$/)])
  })

  test('warns where the address can not be read', async () => {
    const url = () => Promise.reject(new Error('there is no such file'))
    const told = notifier([{ name: 'ops', type: 'webhook', on: ALL, url, key: undefined }])
    told.ended(failure)
    await told.settled()
    expect(warnings).toEqual([expect.stringMatching(/there is no such file$/)])
  })
})
