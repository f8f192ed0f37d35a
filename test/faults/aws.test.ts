import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { API_TIMEOUTS, type ApiTimeouts } from '../../src/aws/api.ts'
import { openCloud } from '../../src/aws/index.ts'
import { type Fault, faultOf } from '../../src/core/cloud-fault.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { CloudPorts } from '../../src/runbooks/ports.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { startBlackHole } from '../testbed/black-hole.ts'
import { freePort } from '../testbed/containers/free-port.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { type QueryFake, startQueryFake } from '../testbed/rds-query-fake.ts'

const SLACK_MS = 5_000
const SHORT: ApiTimeouts = { connectMs: 300, credentialsMs: 700, callMs: 1_000 }
const SECRET = 'IQoJb3JpZ2luX2VjEXAMPLEtokenEXAMPLE'

/** One look and one change of every service: a dead region is dead for each. */
const CALLS: Readonly<Record<string, (ports: CloudPorts, signal: AbortSignal) => Promise<unknown>>> = {
  'rds look': ({ target }, signal) => target.rds.instance('shop', signal),
  'rds list': ({ target }, signal) => target.rds.snapshots('cluster', undefined, signal),
  'rds change': ({ target }, signal) => target.rds.rebootInstance('shop', signal),
  kms: ({ target }, signal) => target.kms.keys(signal),
  ec2: ({ target }, signal) => target.ec2.vpcs(signal),
  cloudwatch: ({ target }, signal) => target.cloudwatch.alarms(signal),
  route53: ({ route53 }, signal) => route53.zones(signal),
  sts: ({ iam }, signal) => iam.caller(signal),
  iam: ({ iam }, signal) =>
    iam.simulate('arn:aws:iam::123456789012:user/me', [{ actions: ['rds:X'], resources: ['*'] }], signal),
}

describe('a control plane that is not well', { timeout: 60_000 }, () => {
  const { signal } = new AbortController()
  let fake: QueryFake

  beforeEach(async () => {
    stubAwsEnvironment({ AWS_SESSION_TOKEN: SECRET })
    fake = await startQueryFake()
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await fake[Symbol.asyncDispose]()
  })

  function open(endpoint: string, timeouts: Partial<ApiTimeouts> = {}, profile?: string) {
    const place = { source: 'eu-west-1', target: 'eu-central-1', endpoint, timeouts }
    return openCloud({ ...place, ...(profile === undefined ? {} : { profile }) }, noDatabase)
  }

  async function failureOf(call: Promise<unknown>, fault: Fault): Promise<LifeboatError> {
    const thrown = await call.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(faultOf(thrown), inspect(thrown)).toBe(fault)
    const error = thrown as LifeboatError
    expect(error.message).toMatch(/^unable to /)
    expect(error.hint).toMatch(/\w.*\.$/)
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(SECRET)
    return error
  }

  /** Every call, at once. */
  async function eachFails(endpoint: string, timeouts: Partial<ApiTimeouts>, boundMs: number) {
    using ports = open(endpoint, timeouts)
    const began = performance.now()
    const failed = await Promise.all(
      Object.entries(CALLS).map(async ([name, call]) => {
        const { details } = await failureOf(call(ports, signal), 'unavailable')
        return [name, details?.region] as const
      }),
    )
    expect(performance.now() - began).toBeLessThan(boundMs)
    expect(Object.fromEntries(failed)).toMatchObject({
      ...{ 'rds look': 'eu-central-1', kms: 'eu-central-1', sts: 'eu-central-1' },
      ...{ route53: 'us-east-1', iam: 'us-east-1' },
    })
  }

  test('no call waits longer than half a minute', () => {
    expect(API_TIMEOUTS.callMs).toBeLessThanOrEqual(30_000)
    expect(API_TIMEOUTS.connectMs).toBeLessThanOrEqual(3_000)
    expect(API_TIMEOUTS.credentialsMs).toBeLessThan(API_TIMEOUTS.callMs)
  })

  test('refused', async () => {
    await eachFails(`http://127.0.0.1:${await freePort()}`, {}, SLACK_MS)
  })

  test('DNS gone', async () => {
    await eachFails('http://control-plane.invalid', SHORT, SHORT.callMs + SLACK_MS)
  })

  test('a black hole', async () => {
    await using hole = await startBlackHole()
    await eachFails(`http://${hole.host}:${hole.port}`, SHORT, SHORT.callMs + SLACK_MS)
    expect(hole.connections).toBeGreaterThanOrEqual(Object.keys(CALLS).length)
  })

  test('a black hole where TLS should begin', async () => {
    await using hole = await startBlackHole()
    await eachFails(`https://${hole.host}:${hole.port}`, SHORT, SHORT.callMs + SLACK_MS)
  })

  test('5xx, from whatever stands before it', async () => {
    fake.onAll(() => ({ status: 503, body: '<html><head><title>503</title><body>over capacity' }))
    await eachFails(fake.endpoint, {}, SLACK_MS)
  })

  test.each([
    [{ code: 'Throttling', message: 'Rate exceeded' }, 'throttled'],
    [{ code: 'RequestLimitExceeded', status: 503 }, 'throttled'],
    [
      { code: 'AccessDenied', message: 'User: arn:aws:iam::1:user/me is not authorized to perform: rds:X' },
      'denied',
    ],
    [
      { code: 'InvalidClientTokenId', message: 'The security token included in the request is invalid.' },
      'denied',
    ],
    [{ code: 'InternalFailure', status: 500 }, 'unavailable'],
    [{ code: 'InsufficientDBInstanceCapacity', message: 'none in eu-central-1a' }, 'capacity'],
    [{ code: 'SnapshotQuotaExceeded' }, 'quota'],
    [{ code: 'KMSKeyNotAccessibleFault' }, 'key'],
    [{ code: 'DBSnapshotAlreadyExists' }, 'exists'],
    [{ code: 'DBSnapshotNotFound', status: 404 }, 'not-found'],
    [{ code: 'InvalidDBSnapshotState', message: 'the snapshot is creating' }, 'busy'],
    [{ code: 'InvalidParameterCombination' }, 'invalid'],
    // Carried out or not, nobody knows.
    ['reset', 'unavailable'],
    ['cut', 'unavailable'],
    [{ body: '<html>log in to the guest network</html>', status: 200 }, 'unavailable'],
  ] as const)('%o is %s, after one try', async (answer, fault) => {
    using ports = open(fake.endpoint)
    fake.onAll(() => answer)
    const order = {
      kind: 'instance',
      sourceArn: 'arn:aws:rds:eu-west-1:1:snapshot:s',
      id: 'copy',
      tags: {},
    } as const
    const error = await failureOf(ports.target.rds.copySnapshot(order, signal), fault)
    expect(error.details).toMatchObject({ operation: 'rds:CopyDBSnapshot', region: 'eu-central-1' })
    expect(fake.calls).toHaveLength(1)
  })

  test('an answer that drips for ever is none', async () => {
    using ports = open(fake.endpoint, SHORT)
    fake.onAll(() => 'drip')
    const began = performance.now()
    const error = await failureOf(ports.target.rds.instances(signal), 'unavailable')
    expect(error.message).toMatch(/no answer within 1 s$/)
    expect(performance.now() - began).toBeLessThan(SHORT.callMs + SLACK_MS)
  })

  test('all pages together have the time of one call', async () => {
    using ports = open(fake.endpoint, SHORT)
    let page = 0
    fake.on('DescribeDBInstances', () => {
      page += 1
      return { result: { DBInstances: [], Marker: String(page) } }
    })
    const error = await failureOf(ports.target.rds.instances(signal), 'unavailable')
    expect(error.message).toMatch(/no answer within 1 s$/)
    expect(page).toBeGreaterThan(1)
  })

  test('a dead source does not touch the target', async () => {
    await using hole = await startBlackHole()
    const dead = `http://${hole.host}:${hole.port}`
    using ports = openCloud(
      {
        ...{ source: 'eu-west-1', target: 'eu-central-1', timeouts: SHORT },
        endpoint: (_, region) => (region === 'eu-west-1' ? dead : fake.endpoint),
      },
      noDatabase,
    )
    fake.on('DescribeDBInstances', () => ({ result: { DBInstances: [] } }))
    const source = failureOf(ports.source.rds.instances(signal), 'unavailable')
    const began = performance.now()
    expect(await ports.target.rds.instances(signal)).toEqual([])
    expect(performance.now() - began).toBeLessThan(SHORT.callMs)
    expect((await source).details).toMatchObject({ region: 'eu-west-1' })
    expect(new Set(fake.calls.map(({ region }) => region))).toEqual(new Set(['eu-central-1']))
  })

  test('a call that is given up ends at once, with the reason', async () => {
    using ports = open(fake.endpoint)
    fake.onAll(() => 'stall')
    const controller = new AbortController()
    const reason = new LifeboatError('interrupted', 'somebody pressed a key')
    const call = ports.target.rds.instances(controller.signal)
    await vi.waitFor(() => expect(fake.calls).toHaveLength(1))
    const began = performance.now()
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(performance.now() - began).toBeLessThan(1_000)
  })

  test('a list whose later page does not come is no list', async () => {
    using ports = open(fake.endpoint, SHORT)
    const first = { DBInstances: [{ DBInstanceIdentifier: 'a', DBInstanceArn: 'arn:a' }], Marker: 'next' }
    fake.on('DescribeDBInstances', ({ input }) => (input.Marker === undefined ? { result: first } : 'stall'))
    await failureOf(ports.target.rds.instances(signal), 'unavailable')
  })

  test('what AWS echoes of the request is not passed on', async () => {
    using ports = open(fake.endpoint)
    const message = `The request signature we calculated does not match. The Canonical String for this request should have been 'POST / host:rds x-amz-security-token:${SECRET}'`
    fake.onAll(() => ({ code: 'SignatureDoesNotMatch', message, status: 403 }))
    const error = await failureOf(ports.target.rds.instances(signal), 'denied')
    expect(error.message).toMatch(
      /SignatureDoesNotMatch: The request signature we calculated does not match$/,
    )
    const url = `https://rds.eu-west-1.amazonaws.com/?X-Amz-Security-Token=${SECRET}&X-Amz-Signature=${SECRET}`
    fake.onAll(() => ({ code: 'InvalidParameterValue', message: `PreSignedUrl ${url} is wrong` }))
    expect((await failureOf(ports.target.rds.instances(signal), 'invalid')).message).toContain('[redacted]')
  })

  describe('credentials', () => {
    let folder: string
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lifeboat-aws-'))
      stubAwsEnvironment({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined })
      vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
    })
    afterEach(() => rm(folder, { recursive: true }))

    async function helper(script: string): Promise<void> {
      const path = join(folder, 'helper')
      await writeFile(path, `#!/bin/sh\n${script}\n`)
      await chmod(path, 0o700)
      await writeFile(
        join(folder, 'config'),
        `[profile program]\ncredential_process = ${path} --token ${SECRET}\n`,
      )
    }

    test('there are none', async () => {
      using ports = open(fake.endpoint)
      const error = await failureOf(ports.target.rds.instances(signal), 'denied')
      expect(error.message).toMatch(/no usable credentials/)
      expect(error.hint).toMatch(/profile/)
      expect(fake.calls).toEqual([])
    })

    test('a profile that is not there is named', async () => {
      using ports = open(fake.endpoint, {}, 'nobody')
      expect((await failureOf(ports.target.rds.instances(signal), 'denied')).message).toContain("'nobody'")
    })

    test('a helper that fails keeps its secrets', async () => {
      await helper(`echo '${SECRET}' >&2; exit 1`)
      using ports = open(fake.endpoint, {}, 'program')
      await failureOf(ports.target.rds.instances(signal), 'denied')
    })

    test('a helper that never ends is waited for in bounds', async () => {
      // It ends with the folder.
      await helper(`while [ -e '${folder}' ]; do sleep 0.2; done`)
      using ports = open(fake.endpoint, SHORT, 'program')
      const began = performance.now()
      const error = await failureOf(ports.target.rds.instances(signal), 'unavailable')
      expect(error.message).toMatch(/no credentials within 0.7 s$/)
      expect(performance.now() - began).toBeLessThan(SHORT.callMs + SLACK_MS)
      expect(fake.calls).toEqual([])
    })

    test('that have expired are looked for anew, once', async () => {
      const keys = (id: string) =>
        writeFile(
          join(folder, 'credentials'),
          `[file]\naws_access_key_id = ${id}\naws_secret_access_key = s\n`,
        )
      await keys('FIRST')
      using ports = open(fake.endpoint, {}, 'file')
      fake.on('DescribeDBInstances', ({ accessKeyId }) =>
        accessKeyId === 'FIRST' ? { code: 'ExpiredToken', status: 403 } : { result: { DBInstances: [] } },
      )
      const error = await failureOf(ports.target.rds.instances(signal), 'denied')
      expect(error.hint).toMatch(/^Renew the credentials/)
      expect(fake.calls).toHaveLength(2)
      await keys('SECOND')
      expect(await ports.target.rds.instances(signal)).toEqual([])
      expect(fake.calls.at(-1)?.accessKeyId).toBe('SECOND')
    })
  })
})
