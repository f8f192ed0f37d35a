import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { permissionOf, rulesOf } from '../../../src/aws/ec2-rules.ts'
import type { SecurityRule } from '../../../src/runbooks/ports/ec2.ts'

const id = fc.stringMatching(/^[0-9a-f]{17}$/)
const peer = fc.oneof(
  fc.ipV4().map((address) => `${address}/32`),
  fc.ipV6().map((address) => `${address}/128`),
  id.map((hex) => `sg-${hex}`),
  id.map((hex) => `pl-${hex}`),
)
const description = fc.option(fc.string({ minLength: 1 }), { nil: undefined })
const port = fc.integer({ min: 0, max: 65_535 })

const rule: fc.Arbitrary<SecurityRule> = fc
  .record({ peer, description, ports: fc.option(fc.tuple(port, port), { nil: undefined }) })
  .map(({ peer, description, ports }) => ({
    peer,
    ...(ports === undefined
      ? { protocol: '-1' }
      : { protocol: 'tcp', fromPort: Math.min(...ports), toPort: Math.max(...ports) }),
    ...(description === undefined ? {} : { description }),
  }))

describe('rules of security groups', () => {
  test('what EC2 is told comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(rule), (rules) => {
        expect(rulesOf(rules.map(permissionOf))).toEqual(rules)
      }),
    )
  })

  test('each peer of a range of ports is a rule of its own', () => {
    const shared = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 }
    const permission = {
      ...{
        ...shared,
        IpRanges: [{ CidrIp: '10.0.0.0/8' }, { CidrIp: '192.168.0.0/16', Description: 'office' }],
      },
      ...{
        Ipv6Ranges: [{ CidrIpv6: '::/0' }],
        UserIdGroupPairs: [{ GroupId: 'sg-1', UserId: '123456789012' }],
      },
      PrefixListIds: [{ PrefixListId: 'pl-1' }],
    }
    expect(rulesOf([permission]).map(({ peer, description }) => [peer, description])).toEqual([
      ['10.0.0.0/8', undefined],
      ['192.168.0.0/16', 'office'],
      ['::/0', undefined],
      ['sg-1', undefined],
      ['pl-1', undefined],
    ])
    expect(rulesOf(undefined)).toEqual([])
  })
})
