import { describe, expect, test } from 'vitest'
import { globalRegionOf, parseArn } from '../../../src/aws/arn.ts'

describe('ARNs and partitions', () => {
  test.each([
    [
      'arn:aws:rds:eu-west-1:123456789012:db:shop',
      { partition: 'aws', region: 'eu-west-1', account: '123456789012' },
    ],
    ['arn:aws-cn:rds:cn-north-1:1:cluster:a:b', { partition: 'aws-cn', region: 'cn-north-1', account: '1' }],
    ['arn:aws:rds::1:global-cluster:world', { partition: 'aws', region: '', account: '1' }],
    ['alias/dr', undefined],
    ['arn:aws:rds', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(parseArn(text)).toEqual(expected)
  })

  test.each([
    ['eu-west-1', 'us-east-1', 'us-east-1'],
    ['us-gov-east-1', 'us-gov-west-1', 'us-gov-west-1'],
    ['cn-north-1', 'cn-north-1', 'cn-northwest-1'],
    ['us-iso-west-1', 'us-iso-east-1', 'us-iso-east-1'],
    ['us-isob-east-1', 'us-isob-east-1', 'us-isob-east-1'],
  ])('who works in %s finds IAM in %s, and Route 53 in %s', (region, iam, route53) => {
    expect([globalRegionOf(region, 'iam'), globalRegionOf(region, 'route53')]).toEqual([iam, route53])
  })
})
