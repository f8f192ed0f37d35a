import { expect, test } from 'vitest'
import { rdsArn, tagWords } from '../../../src/runbooks/aws-cli.ts'

test.each([
  ['eu-west-1', 'aws'],
  ['cn-north-1', 'aws-cn'],
  ['us-gov-west-1', 'aws-us-gov'],
  ['us-isob-east-1', 'aws-iso-b'],
  ['eusc-de-east-1', 'aws-eusc'],
])('an ARN of %s is of partition %s', (region, partition) => {
  expect(rdsArn(region, '111122223333', 'db', 'shop')).toBe(
    `arn:${partition}:rds:${region}:111122223333:db:shop`,
  )
})

test('a tag with commas, quotes or blanks is one to the command line', () => {
  expect(tagWords({ team: 'shop', 'paid by': 'a, "b"\\c', empty: '' })).toEqual([
    'Key=team,Value=shop',
    'Key="paid by",Value="a, \\"b\\"\\\\c"',
    'Key=empty,Value=',
  ])
})
