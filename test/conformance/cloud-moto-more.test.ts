import { CloudWatchClient, PutMetricAlarmCommand, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { DisableKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type OpenCloud, openCloud } from '../../src/aws/index.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { lacks } from '../testbed/requirement.ts'
import { POLICY } from './cloud-suite.ts'
import { fails } from './cloud-suite-services.ts'

const REGION = 'eu-central-1'

/** What only the adapters have to get right: pages, and what somebody else made. */
describe.skipIf(lacks('aws'))('moto, past the suite', { timeout: 60_000 }, () => {
  const { signal } = new AbortController()
  let moto: S3Container
  let ports: OpenCloud
  beforeAll(async () => {
    moto = await startMotoContainer()
    stubAwsEnvironment()
    // As a person names it: no option of ours.
    vi.stubEnv('AWS_ENDPOINT_URL', moto.endpoint)
    ports = openCloud({ source: 'eu-west-1', target: REGION }, noDatabase)
  })
  afterAll(async () => {
    ports[Symbol.dispose]()
    vi.unstubAllEnvs()
    await moto.stop()
  })

  test('the newest value of a metric within a quarter of an hour', async () => {
    const cloudwatch = new CloudWatchClient({ region: REGION })
    const name = { namespace: 'AWS/RDS', metric: 'ReplicaLag', dimensions: { DBInstanceIdentifier: 'shop' } }
    const put = async (ageMs: number, Value: number) => {
      const Dimensions = [{ Name: 'DBInstanceIdentifier', Value: 'shop' }]
      const datum = { MetricName: 'ReplicaLag', Dimensions, Value, Timestamp: new Date(Date.now() - ageMs) }
      await cloudwatch.send(new PutMetricDataCommand({ Namespace: 'AWS/RDS', MetricData: [datum] }))
    }
    await put(40 * 60_000, 99)
    expect(await ports.target.cloudwatch.latest(name, signal)).toBeUndefined()
    await put(5 * 60_000, 7)
    await put(12 * 60_000, 3)
    const latest = await ports.target.cloudwatch.latest(name, signal)
    expect(latest?.value).toBe(7)
    expect(Date.now() - (latest?.at.getTime() ?? 0)).toBeLessThan(7 * 60_000)
    expect(await ports.source.cloudwatch.latest(name, signal)).toBeUndefined()
  })

  test('alarms are kept so that they can be made again', async () => {
    const cloudwatch = new CloudWatchClient({ region: REGION })
    const input = {
      ...{ AlarmName: 'shop-storage', MetricName: 'FreeStorageSpace', Namespace: 'AWS/RDS' },
      ...({ Statistic: 'Average', Period: 300, EvaluationPeriods: 3, Threshold: 10e9 } as const),
      ComparisonOperator: 'LessThanThreshold' as const,
      Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop' }],
      AlarmActions: ['arn:aws:sns:eu-central-1:123456789012:pager'],
    }
    await cloudwatch.send(new PutMetricAlarmCommand(input))
    const [alarm, ...others] = await ports.target.cloudwatch.alarms(signal)
    expect(others).toEqual([])
    expect(alarm).toMatchObject({
      ...{ name: 'shop-storage', metric: 'FreeStorageSpace', dimensions: { DBInstanceIdentifier: 'shop' } },
      arn: expect.stringContaining(':alarm:shop-storage'),
      definition: input,
    })
    const names = Object.keys(alarm?.definition ?? {})
    expect(names.filter((name) => /^(State|AlarmArn)/.test(name))).toEqual([])
  })

  test('a zone of more records than a page, and a private one with its VPC', async () => {
    const client = new Route53Client({ region: 'us-east-1' })
    const made = await client.send(
      new CreateHostedZoneCommand({ Name: 'many.example', CallerReference: 'many' }),
    )
    const zoneId = made.HostedZone?.Id?.replace('/hostedzone/', '') ?? ''
    const changes = Array.from({ length: 320 }, (_, index) => ({
      action: 'create' as const,
      record: {
        ...{ name: `r${String(index).padStart(3, '0')}.many.example`, type: 'CNAME', ttlSeconds: 60 },
        values: ['shop.example'],
      },
    }))
    await ports.route53.change(zoneId, changes, 'many', signal)
    const names = (await ports.route53.records(zoneId, signal)).map(({ name }) => name)
    expect(names.filter((name) => /^r\d+\./.test(name))).toEqual(changes.map(({ record }) => record.name))

    const [vpc] = await ports.target.ec2.vpcs(signal)
    const VPC = { VPCId: vpc?.id, VPCRegion: REGION } as const
    const zone = {
      Name: 'db.internal',
      CallerReference: 'private',
      VPC,
      HostedZoneConfig: { PrivateZone: true },
    }
    await client.send(new CreateHostedZoneCommand(zone))
    expect((await ports.route53.zones(signal)).find(({ name }) => name === 'db.internal')).toMatchObject({
      ...{ private: true, vpcs: [{ id: vpc?.id, region: REGION }] },
    })
  })

  test('keys that can not be used, or not be looked at', async () => {
    const client = new KMSClient({ region: REGION })
    const { kms } = ports.target
    const make = (policy = POLICY) => kms.createKey({ description: 'x', policy, tags: {} }, signal)
    const [disabled, doomed, secret] = [await make(), await make(), await make(forbidden('kms:DescribeKey'))]
    await client.send(new DisableKeyCommand({ KeyId: disabled.id }))
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: doomed.id, PendingWindowInDays: 7 }))
    expect(await kms.key(disabled.id, signal)).toMatchObject({ enabled: false, state: 'Disabled' })
    expect(await kms.key(doomed.id, signal)).toMatchObject({
      ...{ enabled: false, state: 'PendingDeletion', deletion: expect.any(Date) },
    })
    await fails('denied', kms.key(secret.id, signal))
    const found = (await kms.keys(signal)).find(({ id }) => id === secret.id)
    expect(found).toMatchObject({ ...secret, enabled: false, state: 'AccessDenied' })
  })
})

function forbidden(action: string): string {
  const statement = { Effect: 'Deny', Principal: { AWS: '*' }, Action: action, Resource: '*' }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}
