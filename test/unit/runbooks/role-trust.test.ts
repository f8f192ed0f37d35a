import { expect, test } from 'vitest'
import { wrongWithTrust } from '../../../src/runbooks/role-trust.ts'

const allow = {
  Effect: 'Allow',
  Principal: { Service: 'rds.amazonaws.com' },
  Action: 'sts:AssumeRole',
}
const of = (...Statement: object[]) => ({ arn: 'arn:role', trust: JSON.stringify({ Statement }) })
const sourceArn = (...arns: string[]) => ({
  ...allow,
  Condition: { ArnLike: { 'aws:SourceArn': arns.length === 1 ? arns[0] : arns } },
})
const judged = (role: { arn: string; trust: string }) => wrongWithTrust(role, 'eu-central-1', '111122223333')

test.each([
  ['RDS may', of(allow)],
  ['one statement, not in a list', { arn: 'a', trust: JSON.stringify({ Statement: allow }) }],
  ['several services', of({ ...allow, Principal: { Service: ['ec2.amazonaws.com', 'rds.amazonaws.com'] } })],
  ['in China', of({ ...allow, Principal: { Service: 'rds.amazonaws.com.cn' } })],
  ['any action', of({ ...allow, Action: ['sts:TagSession', 'sts:*'] })],
  ['any region', of(sourceArn('arn:aws:rds:*:111122223333:db:shop'))],
  ['all of RDS', of(sourceArn('arn:aws:rds:*'))],
  ['both regions', of(sourceArn('arn:aws:rds:eu-west-1:1:db:shop', 'arn:aws:rds:eu-central-1:1:db:shop'))],
  ['regions of a continent', of(sourceArn('arn:aws:rds:eu-*:1:db:*'))],
  [
    'one statement does',
    of(sourceArn('arn:aws:rds:eu-west-1:1:db:shop'), sourceArn('arn:aws:rds:eu-central-1:1:db:*')),
  ],
  [
    'the account, whatever the case of the key',
    of({ ...allow, Condition: { StringEquals: { 'AWS:sourceaccount': '111122223333' } } }),
  ],
])('%s: nothing is wrong', (_, role) => {
  expect(judged(role)).toBeNull()
})

test.each([
  [
    'another service',
    of({ ...allow, Principal: { Service: 'monitoring.rds.amazonaws.com' } }),
    /does not let/,
  ],
  ['nobody', of(), /does not let/],
  ['denied', of({ ...allow, Effect: 'Deny' }), /does not let/],
  ['another action', of({ ...allow, Action: 'sts:TagSession' }), /does not let/],
  [
    'the old region only',
    of(sourceArn('arn:aws:rds:eu-west-1:1:db:shop')),
    /none of which is in eu-central-1/,
  ],
  ['a region of a similar name', of(sourceArn('arn:aws:rds:eu-central-12:1:db:shop')), /none of which/],
  [
    'another account',
    of({ ...allow, Condition: { StringEquals: { 'aws:SourceAccount': ['999'] } } }),
    /of account 999 only/,
  ],
  ['no JSON', { arn: 'a', trust: '' }, /can not be read/],
])('%s: told', (_, role, reason) => {
  expect(judged(role)).toMatch(reason)
})
