import { expect, test } from 'vitest'
import { runbookPolicy } from '../../../src/app/runbook-policy.ts'
import { shellLine } from '../../../src/core/shell-line.ts'
import { copySnapshot } from '../../../src/runbooks/copy-snapshot.ts'

const { options, facts } = copySnapshot.example
const runbook = copySnapshot.plan(options, facts, { id: '20261122T210500Z-k3f9' })

test('a policy allows each change for named things only, and looks for all', () => {
  const { iam } = runbookPolicy(runbook, 'arn:aws:iam::111122223333:user/ops')
  for (const { Action, Resource } of iam.Statement) {
    if (!Resource.includes('*')) continue
    expect(Action.filter((action) => !/:(Describe|Get|List)/.test(action))).toEqual([])
  }
  const copying = iam.Statement.find(({ Action }) => Action.includes('rds:CopyDBSnapshot'))
  expect(copying?.Resource).toEqual([
    'arn:aws:rds:eu-central-1:111122223333:og:standard',
    'arn:aws:rds:eu-central-1:111122223333:snapshot:lifeboat-20261122t210500z-k3f9-copy',
    'arn:aws:rds:eu-west-1:111122223333:snapshot:lifeboat-20261122t210500z-k3f9-snapshot',
  ])
  expect(new Set(iam.Statement.map((statement) => JSON.stringify(statement.Resource))).size).toBe(
    iam.Statement.length,
  )
})

test('every ARN is of the partition that the caller is of, whatever the region is called', () => {
  const { iam, keys } = runbookPolicy(runbook, 'arn:aws-new:sts::111122223333:assumed-role/ops/alice')
  const named = iam.Statement.flatMap(({ Resource }) => Resource).filter((each) => each !== '*')
  expect(named.length).toBeGreaterThan(3)
  for (const arn of [...named, ...Object.keys(keys)]) expect(arn).toMatch(/^arn:aws-new:/)
  for (const { Principal } of Object.values(keys).flat())
    expect(Principal).toEqual({ AWS: 'arn:aws-new:iam::111122223333:role/ops' })
})

test("a key's policy names the role, not its session, and gives grants to RDS alone", () => {
  const { keys } = runbookPolicy(runbook, 'arn:aws:sts::111122223333:assumed-role/ops/alice')
  expect(Object.keys(keys).sort()).toEqual([facts.kmsKeyArn, facts.sourceKeyArn].sort())
  for (const statements of Object.values(keys)) {
    for (const { Principal } of statements)
      expect(Principal).toEqual({ AWS: 'arn:aws:iam::111122223333:role/ops' })
    expect(statements.find(({ Action }) => Action.includes('kms:CreateGrant'))).toMatchObject({
      Action: ['kms:CreateGrant'],
      Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    })
  }
})

test('lines are quoted for a shell; what an earlier line printed is a variable', () => {
  expect(shellLine({ argv: ['aws', '--query', 'a[0].b', '$SG', "it's $HOME"] })).toBe(
    `aws --query 'a[0].b' "$SG" 'it'\\''s $HOME'`,
  )
  expect(shellLine({ argv: ['aws', 'x'], assign: 'SG' })).toBe('SG=$(aws x)')
})
