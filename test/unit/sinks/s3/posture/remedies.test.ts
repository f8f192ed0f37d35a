import { expect, test } from 'vitest'
import { createPlace } from '../../../../../src/sinks/s3/place.ts'
import type { BucketFacts } from '../../../../../src/sinks/s3/posture/facts.ts'
import type { Statement } from '../../../../../src/sinks/s3/posture/policy.ts'
import { planRemedies } from '../../../../../src/sinks/s3/posture/remedies.ts'

test('blocks public access after the policy: with the block on, S3 refuses one that holds a public statement', () => {
  const theirs: Statement = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::b/*',
  }
  const nothing = { known: true, value: undefined } as const
  const facts: BucketFacts = {
    region: nothing,
    publicAccess: nothing,
    encryption: nothing,
    policy: { known: true, value: { Version: '2012-10-17', Statement: [theirs] } },
    versioning: nothing,
    logging: nothing,
    objectLock: nothing,
    lifecycle: { known: true, value: { rules: [] } },
  }
  const place = createPlace({ bucket: 'b', prefix: 'db', region: 'eu-west-1' })
  const operations = planRemedies(facts, place, { logs: undefined, lockDays: 14 }).flatMap(({ steps }) =>
    steps.map(({ operation }) => operation),
  )
  expect(operations).toContain('put-bucket-policy')
  expect(operations.at(-1)).toBe('put-public-access-block')
})
