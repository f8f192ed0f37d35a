import { describe, expect, test } from 'vitest'
import { faultOf } from '../../src/core/cloud-fault.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { DnsRecord } from '../../src/runbooks/ports/route53.ts'
import { type CloudSuite, fresh, POLICY, TAGS } from './cloud-suite.ts'

/** KMS, EC2, Route 53, STS and IAM, CloudWatch. */
export function describeCloudServices({ cloud, departs }: CloudSuite): void {
  const { signal } = new AbortController()
  const target = () => cloud().ports.target

  describe('kms', () => {
    test('a key is found by its id, its ARN and its alias, with policy and tags', async () => {
      const { kms } = target()
      const made = await kms.createKey(
        { description: 'disaster recovery', policy: POLICY, tags: TAGS },
        signal,
      )
      const alias = `alias/${fresh('dr')}`
      await kms.createAlias({ alias, keyId: made.id }, signal)
      const expected = {
        ...made,
        enabled: true,
        state: 'Enabled',
        managedBy: 'customer',
        spec: 'SYMMETRIC_DEFAULT',
        usage: 'ENCRYPT_DECRYPT',
        aliases: [alias],
        description: 'disaster recovery',
      }
      for (const name of [made.id, made.arn, alias]) {
        expect(await kms.key(name, signal)).toMatchObject(expected)
      }
      expect(await kms.keys(signal)).toContainEqual(expect.objectContaining(expected))
      expect(JSON.parse(await kms.policy(made.id, signal))).toEqual(JSON.parse(POLICY))
      expect(await kms.tags(made.id, signal)).toEqual(TAGS)
    })

    test('a key that is not there is undefined, also where it is one of another region', async () => {
      const { source } = cloud().ports
      const made = await source.kms.createKey({ description: 'elsewhere', policy: POLICY, tags: {} }, signal)
      for (const name of [made.arn, made.id, 'alias/none', '00000000-0000-4000-8000-00000000ffff']) {
        expect(await target().kms.key(name, signal)).toBeUndefined()
      }
      await fails('not-found', target().kms.policy('00000000-0000-4000-8000-00000000ffff', signal))
    })

    test('an alias is taken once', async () => {
      const { kms } = target()
      const { id } = await kms.createKey({ description: 'one', policy: POLICY, tags: {} }, signal)
      const alias = `alias/${fresh('once')}`
      await kms.createAlias({ alias, keyId: id }, signal)
      await fails('exists', kms.createAlias({ alias, keyId: id }, signal))
    })
  })

  describe('ec2', () => {
    async function group() {
      const { ec2 } = target()
      const vpcId = (await ec2.vpcs(signal))[0]?.id ?? ''
      const name = fresh('databases')
      const input = { name, description: 'to databases', vpcId, tags: TAGS }
      return { ...(await ec2.createSecurityGroup(input, signal)), input }
    }

    test('a security group has its tags, and is found among all and by its id', async () => {
      const { ec2 } = target()
      const { id, input } = await group()
      const [found, ...others] = await ec2.securityGroups([id, 'sg-0123456789abcdef0'], signal)
      expect(found).toMatchObject({ id, ...input, inbound: [] })
      expect(others).toEqual([])
      expect((await ec2.securityGroups(undefined, signal)).map((one) => one.id)).toContain(id)
      expect(await ec2.securityGroups([], signal)).toEqual([])
      await fails('exists', ec2.createSecurityGroup(input, signal))
    })

    test('rules are allowed and revoked, also a second time', async () => {
      const { ec2 } = target()
      const { id } = await group()
      const peer = await group()
      const rules = [
        { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '10.1.0.0/16', description: 'applications' },
        { protocol: 'tcp', fromPort: 5432, toPort: 5433, peer: 'fd00::/8' },
        { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: peer.id },
      ]
      const inbound = async () => (await ec2.securityGroups([id], signal))[0]?.inbound
      await ec2.allowInbound(id, rules.slice(0, 1), signal)
      await ec2.allowInbound(id, rules, signal)
      await ec2.allowInbound(id, rules, signal)
      const seen = (await inbound()) ?? []
      expect(seen).toHaveLength(rules.length)
      expect(seen).toEqual(expect.arrayContaining(rules))
      await ec2.revokeInbound(id, seen.slice(0, 1), signal)
      await ec2.revokeInbound(id, seen, signal)
      await ec2.revokeInbound(id, seen, signal)
      expect(await inbound()).toEqual([])
      await ec2.allowInbound(id, [], signal)
      await fails('not-found', ec2.allowInbound('sg-0123456789abcdef0', rules.slice(0, 1), signal))
    })

    test('subnets are those of their VPC', async () => {
      const { ec2 } = target()
      const [vpc] = await ec2.vpcs(signal)
      if (vpc === undefined) throw new Error('there is no VPC')
      expect(vpc.cidr).toMatch(/^[\d.]+\/\d+$/)
      const subnets = await ec2.subnets(vpc.id, signal)
      expect(new Set(subnets.map(({ zone }) => zone)).size).toBeGreaterThan(1)
      expect(new Set(subnets.map(({ vpcId }) => vpcId))).toEqual(new Set([vpc.id]))
      for (const { freeAddresses } of subnets) expect(freeAddresses).toBeGreaterThan(0)
      expect(await ec2.subnets('vpc-0123456789abcdef0', signal)).toEqual([])
      expect(await ec2.subnets(undefined, signal)).toEqual(expect.arrayContaining([...subnets]))
    })
  })

  describe('route53', () => {
    const change = async (
      ...changes: Parameters<ReturnType<typeof cloud>['ports']['route53']['change']>[1][number][]
    ) => await cloud().ports.route53.change(cloud().zoneId, changes, 'lifeboat', signal)
    const found = async (name: string) =>
      (await cloud().ports.route53.records(cloud().zoneId, signal)).filter((one) => one.name === name)

    async function record(value: string): Promise<DnsRecord> {
      const zone = (await cloud().ports.route53.zones(signal)).find(({ id }) => id === cloud().zoneId)
      return { name: `${fresh('db')}.${zone?.name}`, type: 'CNAME', ttlSeconds: 300, values: [value] }
    }

    test('zones have names without a dot at their end', async () => {
      const zones = await cloud().ports.route53.zones(signal)
      const zone = zones.find(({ id }) => id === cloud().zoneId)
      expect(zone?.name).toMatch(/[a-z]$/)
      for (const { private: isPrivate, vpcs } of zones) if (!isPrivate) expect(vpcs).toEqual([])
    })

    test('a record is made, replaced and removed, each change seen to its end', async () => {
      const old = await record('old.example.com')
      const { changeId } = await change({ action: 'upsert', record: old })
      await expect
        .poll(async () => {
          await cloud().pass()
          return await cloud().ports.route53.changeStatus(changeId, signal)
        })
        .toBe('insync')
      expect(await found(old.name)).toEqual([old])
      const next = { ...old, ttlSeconds: 60, values: ['new.example.com'] }
      await change({ action: 'delete', record: old }, { action: 'create', record: next })
      expect(await found(old.name)).toEqual([next])
      await change({ action: 'upsert', record: old })
      await change({ action: 'delete', record: old })
      expect(await found(old.name)).toEqual([])
    })

    test('a replacement is guarded by what was there', async () => {
      const old = await record('old.example.com')
      await change({ action: 'create', record: old })
      const stale = { ...old, values: ['somebody-elses.example.com'] }
      const next = { ...old, values: ['new.example.com'] }
      await fails('invalid', change({ action: 'delete', record: stale }, { action: 'create', record: next }))
      expect(await found(old.name)).toEqual([old])
    })

    test('a zone that is not there', async () => {
      await fails('not-found', cloud().ports.route53.records('Z00000000000NONE', signal))
    })
  })

  test('the caller has an account, an ARN and a partition', async () => {
    const caller = await cloud().ports.iam.caller(signal)
    expect(caller.account).toMatch(/^\d{12}$/)
    expect(caller.arn).toContain(`:${caller.account}:`)
    expect(caller.partition).toBe('aws')
  })

  test.skipIf(departs('no-policy-simulation'))('each action and resource is judged', async () => {
    const { arn } = await cloud().ports.iam.caller(signal)
    const actions = ['rds:CopyDBSnapshot', 'rds:DescribeDBSnapshots']
    const decisions = await cloud().ports.iam.simulate(arn, [{ actions, resources: ['*'] }], signal)
    expect(decisions.map(({ action }) => action)).toEqual(actions)
  })

  test('a metric that nobody writes has no value', async () => {
    const name = { namespace: 'AWS/RDS', metric: 'ReplicaLag', dimensions: { DBInstanceIdentifier: 'none' } }
    expect(await target().cloudwatch.latest(name, signal)).toBeUndefined()
    expect(await target().cloudwatch.alarms(signal)).toEqual([])
  })

  test('an alarm is made and overwritten, and a health check goes by it', async () => {
    const { cloudwatch } = target()
    const name = fresh('switch')
    const dimensions = { from: 'old.example.com' }
    const alarm = {
      name,
      description: 'by hand',
      namespace: 'lifeboat',
      metric: 'cutover',
      dimensions,
      atLeast: 1,
    }
    for (const description of ['by hand', 'anew'])
      await cloudwatch.putAlarm({ ...alarm, description }, signal)
    const own = (await cloudwatch.alarms(signal)).filter((each) => each.name === name)
    expect(own).toMatchObject([{ name, metric: 'cutover', dimensions }])
    expect(own[0]?.state).not.toBe('ALARM')

    const { route53 } = cloud().ports
    const watched = { region: target().region, name }
    const { id } = await route53.createHealthCheck({ reference: fresh('check'), alarm: watched }, signal)
    const check = (await route53.healthChecks(signal)).find((each) => each.id === id)
    expect(check).toEqual(departs('forgets-alarms') ? { id } : { id, alarm: watched })
  })

  test('a call ends with the signal’s reason', async () => {
    const controller = new AbortController()
    const reason = new LifeboatError('interrupted', 'somebody pressed a key')
    controller.abort(reason)
    await expect(target().rds.instances(controller.signal)).rejects.toBe(reason)
    await expect(target().kms.keys(controller.signal)).rejects.toBe(reason)
  })
}

export async function fails(fault: string, call: Promise<unknown>): Promise<LifeboatError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(faultOf(thrown), String(thrown)).toBe(fault)
  return thrown as LifeboatError
}
