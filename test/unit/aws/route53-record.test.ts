import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import { describe, expect, test } from 'vitest'
import { recordOf, recordSetOf } from '../../../src/aws/route53-record.ts'

const plain: ResourceRecordSet = {
  Name: 'db.example.com',
  Type: 'CNAME',
  TTL: 60,
  ResourceRecords: [{ Value: 'a.' }],
}
const SETS: Readonly<Record<string, ResourceRecordSet>> = {
  plain,
  weighted: { ...plain, SetIdentifier: 'one', Weight: 0, HealthCheckId: 'check' },
  latency: { ...plain, SetIdentifier: 'eu', Region: 'eu-west-1' },
  failover: { ...plain, SetIdentifier: 'first', Failover: 'PRIMARY' },
  'several values': { ...plain, SetIdentifier: 'one', MultiValueAnswer: true },
  geography: { ...plain, SetIdentifier: 'de', GeoLocation: { CountryCode: 'DE' } },
  networks: { ...plain, SetIdentifier: 'net', CidrRoutingConfig: { CollectionId: 'c', LocationName: '*' } },
  nearness: {
    ...{ ...plain, SetIdentifier: 'near' },
    GeoProximityLocation: { Coordinates: { Latitude: '49.22', Longitude: '-74.01' }, Bias: -10 },
  },
  alias: {
    ...{ Name: '\\052.example.com', Type: 'A' },
    AliasTarget: { HostedZoneId: 'Z1', DNSName: 'lb.example.com', EvaluateTargetHealth: true },
  },
}

describe('records', () => {
  test.each(Object.entries(SETS))(
    '%s: what is read can be written back, as a deletion needs it',
    (_, set) => {
      expect(recordSetOf(recordOf(set))).toEqual(set)
    },
  )

  test('names end without a dot, values are as they are', () => {
    const set = { ...plain, Name: 'db.example.com.', ResourceRecords: [{ Value: 'old.example.com.' }] }
    expect(recordOf(set)).toEqual({
      ...{ name: 'db.example.com', type: 'CNAME', ttlSeconds: 60, values: ['old.example.com.'] },
    })
    const dotted = { HostedZoneId: 'Z1', DNSName: 'lb.example.com.', EvaluateTargetHealth: false }
    expect(recordOf({ Name: 'a.', Type: 'A', AliasTarget: dotted }).alias).toEqual({
      ...{ zoneId: 'Z1', host: 'lb.example.com', evaluateHealth: false },
    })
  })

  test('what decides which record is answered is told by name', () => {
    expect(recordOf(SETS.geography ?? plain).routing).toEqual({ 'GeoLocation.CountryCode': 'DE' })
    expect(recordOf(SETS.weighted ?? plain)).toMatchObject({ setIdentifier: 'one', routing: { Weight: 0 } })
    expect(recordOf(plain)).not.toHaveProperty('routing')
  })
})
