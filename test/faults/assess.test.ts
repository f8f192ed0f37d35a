import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Assessment, assess } from '../../src/app/assess/assess.ts'
import type { GatherRequest } from '../../src/app/assess/gather.ts'
import { takeInventory } from '../../src/app/inventory/take-inventory.ts'
import { createUnloggedDatabase } from '../../src/app/unlogged-database.ts'
import { openCloud } from '../../src/aws/index.ts'
import { openPulse } from '../../src/aws/pulse.ts'
import { systemClock } from '../../src/core/clock.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { startAwsRefusal } from '../testbed/aws-refusal.ts'
import { startBlackHole } from '../testbed/black-hole.ts'
import { freePort } from '../testbed/containers/free-port.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { startListener } from '../testbed/listener.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { lacks } from '../testbed/requirement.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const SLACK_MS = 3_000
const { signal } = new AbortController()

/** A source whose control planes are dead in each way, over real sockets; the target is a fake of AWS that lives. */
describe.skipIf(lacks('aws'))('assess', { timeout: 60_000 }, () => {
  let moto: S3Container

  beforeAll(async () => {
    moto = await startMotoContainer()
    stubAwsEnvironment()
    using cloud = openCloud({ source: SOURCE, target: TARGET, endpoint: moto.endpoint }, noDatabase)
    const own = { description: 'databases', tags: {} }
    for (const { ec2, kms, rds } of [cloud.source, cloud.target]) {
      const subnets = await ec2.subnets((await ec2.vpcs(signal))[0]?.id, signal)
      await rds.createSubnetGroup({ ...own, name: 'private', subnetIds: subnets.map(({ id }) => id) }, signal)
      const { arn } = await kms.createKey({ description: 'databases', policy: '{}', tags: {} }, signal)
      await kms.createAlias({ alias: 'alias/databases', keyId: arn }, signal)
    }
    const key = (await cloud.source.kms.key('alias/databases', signal))?.arn ?? ''
    await cloud.source.rds.createInstance(
      {
        ...{ id: 'shop', engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.t4g.medium', tags: {} },
        ...{ storage: { type: 'gp3', gib: 20 }, masterUser: 'captain', kmsKeyArn: key, multiAz: false },
        ...{ subnetGroup: 'private', securityGroups: [], publiclyAccessible: false },
        ...{ deletionProtection: false, backupRetentionDays: 7, port: 3306 },
      },
      signal,
    )
    const taken = { kind: 'instance', tags: {} } as const
    await cloud.source.rds.createSnapshot({ ...taken, id: 'taken', sourceId: 'shop' }, signal)
    const sourceArn = (await cloud.source.rds.snapshot('instance', 'taken', signal))?.arn ?? ''
    const kmsKeyArn = (await cloud.target.kms.key('alias/databases', signal))?.arn ?? ''
    await cloud.target.rds.copySnapshot({ ...taken, id: 'copy', sourceArn, kmsKeyArn }, signal)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await moto?.stop()
  })

  async function assessWith(
    endpointOf: (region: string) => string,
    timeoutMs: number,
    given: Partial<GatherRequest> = {},
  ): Promise<Assessment> {
    const endpoint = (service: string, region: string) =>
      service === 'route53' || service === 'iam' ? moto.endpoint : endpointOf(region)
    using ports = openCloud({ source: SOURCE, target: TARGET, endpoint }, createUnloggedDatabase())
    using pulse = openPulse({ regions: [SOURCE, TARGET], endpoint: (_, region) => endpointOf(region) })
    const began = performance.now()
    const found = await assess(
      {
        ...{
          ports,
          pulse,
          clock: systemClock,
          timeoutMs,
          databases: ['shop'],
          sinks: [],
          past: [],
          prepared: [],
          login: undefined,
        },
        flags: { subnetGroup: 'private', class: ['db.t4g.medium'], kmsKey: 'alias/databases' },
        inventory: undefined,
        ...given,
      },
      signal,
    )
    expect(performance.now() - began).toBeLessThan(timeoutMs + SLACK_MS)
    return found
  }

  const shown = ({ planes }: Assessment, where: string) =>
    Object.fromEntries(
      planes
        .filter(({ region, service }) => region === where && ['rds', 'kms', 's3', 'sts'].includes(service))
        .map(({ service, state, silence }) => [service, silence === null ? state : `${state}, ${silence}`]),
    )
  const all = (state: string) => ({ rds: state, kms: state, s3: state, sts: state })

  /** Only the source is struck: the other region shows what it has, and no way through the source is open. */
  function expectOnlySource(found: Assessment, state: string): void {
    expect(shown(found, SOURCE)).toEqual(all(state))
    expect(shown(found, TARGET)).toEqual(all('reachable'))
    expect(found.planes.find(({ service }) => service === 'route53')).toMatchObject({ state: 'reachable' })
    const [db] = found.databases
    expect(db?.identity.known).toBe(false)
    expect(db?.snapshotsAcross).toMatchObject({ known: true, value: [{ id: 'copy', status: 'available' }] })
    const copying = db?.ways.find(({ way }) => way === 'copy-snapshot')
    expect(copying?.state).not.toBe('open')
    if (state.startsWith('dead'))
      expect(copying?.reasons.join()).toContain(`RDS of ${SOURCE} gives no answer`)
  }

  test('well: all answers, and the copy is seen', async () => {
    const found = await assessWith(() => moto.endpoint, 15_000)
    expect(shown(found, SOURCE)).toEqual(all('reachable'))
    expect(found.databases[0]).toMatchObject({
      identity: { known: true, value: { engine: 'mysql', gib: 20, encrypted: true } },
      sourceSnapshots: {
        known: true,
        value: expect.arrayContaining([expect.objectContaining({ id: 'taken' })]),
      },
      snapshotsAcross: { known: true, value: [{ id: 'copy' }] },
      // Its name is made up by the fake, and leads nowhere.
      look: {
        known: true,
        value: { rungs: expect.arrayContaining([expect.objectContaining({ rung: 'dns' })]) },
      },
    })
  })

  test('refused', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`
    const found = await assessWith((region) => (region === SOURCE ? dead : moto.endpoint), 15_000)
    expectOnlySource(found, 'dead, refused')
    expect(found.tookMs).toBeLessThan(5_000)
  })

  test('a black hole', async () => {
    await using hole = await startBlackHole()
    const dead = `http://${hole.host}:${hole.port}`
    const found = await assessWith((region) => (region === SOURCE ? dead : moto.endpoint), 9_000)
    expectOnlySource(found, 'dead, no-answer')
    expect(hole.connections).toBeGreaterThan(3)
  })

  test('DNS gone', async () => {
    const dead = 'http://control-plane.invalid'
    const found = await assessWith((region) => (region === SOURCE ? dead : moto.endpoint), 9_000)
    const { rds } = shown(found, SOURCE)
    // Where this machine's resolver is itself silent, the name is not even said not to be there.
    expect(rds).toMatch(/^dead, (name-not-found|no-answer)$/)
    expectOnlySource(found, rds ?? '')
  })

  test('5xx, from whatever stands before it', async () => {
    await using proxy = await startListener((_, response) => {
      response.writeHead(503, { 'content-type': 'text/html' })
      response.end('<html><head><title>503</title></head><body>over capacity</body></html>')
    })
    const found = await assessWith((region) => (region === SOURCE ? proxy.url : moto.endpoint), 15_000)
    expectOnlySource(found, 'dead, server-error')
  })

  test.each([200, 302, 403, 404])('a page of somebody else, with status %i', async (status) => {
    await using proxy = await startListener((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' })
      response.end('<html><head><title>Welcome</title></head><body>log in first</body></html>')
    })
    const found = await assessWith((region) => (region === SOURCE ? proxy.url : moto.endpoint), 15_000)
    expectOnlySource(found, 'dead, server-error')
  })

  test('connections that are cut', async () => {
    await using proxy = await startListener((_, response) => response.socket?.resetAndDestroy())
    const found = await assessWith((region) => (region === SOURCE ? proxy.url : moto.endpoint), 15_000)
    expectOnlySource(found, 'dead, cut')
  })

  test.each([
    ['Throttling', 400, 'throttled'],
    ['AccessDenied', 403, 'denied'],
    ['ExpiredToken', 403, 'denied'],
  ] as const)('%s', async (code, status, state) => {
    await using refusal = await startAwsRefusal({ code, status })
    const found = await assessWith((region) => (region === SOURCE ? refusal.url : moto.endpoint), 15_000)
    expectOnlySource(found, state)
  })

  test('in whichever way it is dead, the inventory says what was there, and what is across is seen', async () => {
    const taken = {
      ...{ both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'inventory' },
      ...{ clock: systemClock, timeoutMs: 60_000 },
    }
    using ports = openCloud({ source: SOURCE, target: TARGET, endpoint: moto.endpoint }, noDatabase)
    const inventory = await takeInventory({ ports, ...taken }, signal)
    await using hole = await startBlackHole()
    await using proxy = await startListener((_, response) => {
      response.writeHead(503, { 'content-type': 'text/html' })
      response.end('<html><head><title>503</title></head><body>over capacity</body></html>')
    })
    await using throttling = await startAwsRefusal({ code: 'Throttling', status: 400 })
    await using denial = await startAwsRefusal({ code: 'AccessDenied', status: 403 })
    for (const [way, url] of [
      ['refused', `http://127.0.0.1:${await freePort()}`],
      ['a black hole', `http://${hole.host}:${hole.port}`],
      ['DNS gone', 'http://control-plane.invalid'],
      ['5xx', proxy.url],
      ['throttled', throttling.url],
      ['denied', denial.url],
    ] as const) {
      const found = await assessWith((region) => (region === SOURCE ? url : moto.endpoint), 6_000, {
        ...{ inventory, databases: undefined, flags: { class: ['db.t4g.medium'] } },
      })
      expect(found.inventory?.id, way).toBe(inventory.id)
      const [db] = found.databases
      expect(db, way).toMatchObject({ id: 'shop', identity: { known: true, asOf: inventory.ended } })
      // All is there to be restored from and into, but that the fake offers no versions of an engine.
      const restore = db?.ways.find((each) => each.way === 'restore-snapshot')
      expect(restore?.reasons, way).toEqual([expect.stringMatching(/does not offer its engine version/)])
      expect(db?.landing.subnetGroup, way).toMatchObject({ value: { name: 'private', there: true } })
      expect(db?.ways.find((each) => each.way === 'copy-snapshot')?.state, way).not.toBe('open')
    }
  })

  test('everything is a black hole: an answer, all the same', async () => {
    await using hole = await startBlackHole()
    const found = await assessWith(() => `http://${hole.host}:${hole.port}`, 3_000)
    expect(shown(found, TARGET)).toEqual(all('dead, no-answer'))
    expect(found.databases[0]?.ways.filter(({ state }) => state === 'open')).toEqual([])
  })
})
