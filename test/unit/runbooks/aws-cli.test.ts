import { expect, test } from 'vitest'
import { rdsArn, tagWords } from '../../../src/runbooks/aws-cli.ts'
import { copySnapshot } from '../../../src/runbooks/copy-snapshot.ts'

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

test('what a way names by itself is of the partition that the caller is of', () => {
  const run = { id: '20261122T210500Z-k3f9' }
  const { options, facts } = copySnapshot.example
  const { steps } = copySnapshot.plan(options, { ...facts, partition: 'aws-new' }, run)
  const words = steps
    .find(({ id }) => id === 'copy-snapshot')
    ?.command()[0]
    ?.argv.join(' ')
  expect(words).toContain('--source-db-snapshot-identifier arn:aws-new:rds:eu-west-1:111122223333:snapshot:')
})

test('a tag with commas, quotes or blanks is one to the command line', () => {
  expect(tagWords({ team: 'shop', 'paid by': 'a, "b"\\c', empty: '' })).toEqual([
    'Key=team,Value=shop',
    'Key="paid by",Value="a, \\"b\\"\\\\c"',
    'Key=empty,Value=',
  ])
})
