import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globCoversAllFrom, globMatches, globMayMatchFrom } from '../../../../../src/sinks/s3/posture/glob.ts'
import {
  BUCKET_ACTIONS,
  OBJECT_ACTIONS,
  parsePolicy,
  plainHttpGaps,
  type Statement,
  statementsOf,
  withTlsOnly,
} from '../../../../../src/sinks/s3/posture/policy.ts'

const target = { partition: 'aws', bucket: 'b', prefix: 'db' }
const BOTH = ['arn:aws:s3:::b', 'arn:aws:s3:::b/*']
const usual: Statement = {
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:*',
  Resource: BOTH,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
}
const gaps = (...statements: Statement[]) =>
  plainHttpGaps({ Version: '2012-10-17', Statement: statements }, target)

describe('a policy denies plain HTTP to everybody', () => {
  test.for<[string, Partial<Statement>]>([
    ['as AWS Config wants it', {}],
    ['with a boolean', { Condition: { Bool: { 'aws:SecureTransport': false } } }],
    ['with values in a list', { Condition: { Bool: { 'aws:SecureTransport': ['false'] } } }],
    ['in other cases', { Action: 'S3:*', Condition: { bool: { 'AWS:securetransport': 'False' } } }],
    ['with BoolIfExists', { Condition: { BoolIfExists: { 'aws:SecureTransport': 'false' } } }],
    ['with StringEquals', { Condition: { StringEquals: { 'aws:SecureTransport': 'false' } } }],
    [
      'with a second condition that always holds',
      { Condition: { Bool: { 'aws:SecureTransport': 'false' }, Null: { 'aws:SecureTransport': 'false' } } },
    ],
    ['for AWS: *', { Principal: { AWS: '*' } }],
    ['for AWS: [*]', { Principal: { AWS: ['arn:aws:iam::1:root', '*'] } }],
    ['for every action', { Action: '*' }],
    ['by verb', { Action: ['s3:Get*', 's3:Put*', 's3:List*', 's3:Delete*', 's3:Abort*'] }],
    ['but for what is none of ours', { Action: undefined, NotAction: 's3:PutBucketPolicy' }],
    ['for every resource', { Resource: '*' }],
    ['for the prefix', { Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/db/*'] }],
    ['for a wider prefix', { Resource: ['arn:aws:s3:::?', 'arn:aws:s3:::b/d*'] }],
    ['but for another prefix', { Resource: undefined, NotResource: 'arn:aws:s3:::b/public/*' }],
    ['always', { Condition: undefined }],
  ])('%s', ([, change]) => {
    expect(gaps({ ...usual, ...change })).toEqual([])
  })

  test('by several statements, each for some of it', () => {
    const objects = { ...usual, Resource: 'arn:aws:s3:::b/*' }
    expect(gaps(objects)).toEqual(BUCKET_ACTIONS)
    expect(gaps(objects, { ...usual, Action: 's3:List*', Resource: 'arn:aws:s3:::b' })).toEqual([])
  })

  test('in a statement that stands alone', () => {
    expect(plainHttpGaps(parsePolicy(JSON.stringify({ Statement: usual })), target)).toEqual([])
  })
})

describe('a policy does not', () => {
  const all = [...OBJECT_ACTIONS, ...BUCKET_ACTIONS]
  test.for<[string, Partial<Statement>, readonly string[]]>([
    [
      'where it allows TLS only: others may allow more',
      { Effect: 'Allow', Condition: { Bool: { 'aws:SecureTransport': 'true' } } },
      all,
    ],
    ['where it denies TLS', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }, all],
    ['for one account only', { Principal: { AWS: 'arn:aws:iam::1:root' } }, all],
    ['for all but some', { Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam::1:root' } }, all],
    ['for a service', { Principal: { Service: '*' } }, all],
    [
      'for reads only',
      { Action: 's3:GetObject*' },
      all.filter((action) => !action.startsWith('s3:GetObject')),
    ],
    ['but for writes', { Action: undefined, NotAction: 's3:Put*' }, ['s3:PutObject']],
    ['for objects only', { Resource: 'arn:aws:s3:::b/*' }, BUCKET_ACTIONS],
    ['for the bucket only', { Resource: 'arn:aws:s3:::b' }, OBJECT_ACTIONS],
    ['for another bucket', { Resource: ['arn:aws:s3:::c', 'arn:aws:s3:::c/*'] }, all],
    [
      'for a part of the prefix',
      { Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/db/shop/*'] },
      OBJECT_ACTIONS,
    ],
    ['for names of one kind', { Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/db/*.gz'] }, OBJECT_ACTIONS],
    [
      'for a folder of whoever asks',
      { Resource: ['arn:aws:s3:::b', `arn:aws:s3:::b/$\{aws:username}*`] },
      OBJECT_ACTIONS,
    ],
    [
      'but for a part of the prefix',
      { Resource: undefined, NotResource: 'arn:aws:s3:::b/db/x/*' },
      OBJECT_ACTIONS,
    ],
    [
      'from some addresses only',
      {
        Condition: {
          Bool: { 'aws:SecureTransport': 'false' },
          NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' },
        },
      },
      all,
    ],
    [
      'with another key beside it',
      { Condition: { Bool: { 'aws:SecureTransport': 'false', 'aws:MultiFactorAuthPresent': 'false' } } },
      all,
    ],
    ['where the key is absent', { Condition: { Null: { 'aws:SecureTransport': 'true' } } }, all],
    [
      'where it only looks alike',
      { Sid: 'aws:SecureTransport', Condition: { StringNotEquals: { 'aws:SecureTransport': 'false' } } },
      all,
    ],
  ])('%s', ([, change, open]) => {
    expect(gaps({ ...usual, ...change })).toEqual(open)
  })

  test('where there is none', () => {
    expect(plainHttpGaps(undefined, target)).toEqual(all)
  })
})

const piece = fc.constantFrom('a', 'b', '/', '*', '?')
const pattern = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
const word = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 5 }).map((pieces) => pieces.join(''))

function asRegExp(glob: string): RegExp {
  return new RegExp(`^${glob.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`)
}

describe('globs', () => {
  test('match as regular expressions do', () => {
    fc.assert(
      fc.property(pattern, word, (glob, text) => globMatches(glob, text) === asRegExp(glob).test(text)),
    )
  })

  test('cover all that begins so only if each one matches, and none matches where none may', () => {
    fc.assert(
      fc.property(pattern, word, word, (glob, start, more) => {
        const hit = asRegExp(glob).test(start + more)
        if (globCoversAllFrom(glob, start)) expect(hit).toBe(true)
        if (hit) expect(globMayMatchFrom(glob, start)).toBe(true)
      }),
    )
  })

  test('many stars take no time', () => {
    expect(globMatches('*a'.repeat(100), `${'a'.repeat(1_000)}b`)).toBe(false)
  })
})

const statement: fc.Arbitrary<Statement> = fc.record(
  {
    Effect: fc.constantFrom('Deny' as const, 'Allow' as const),
    Principal: fc.constantFrom('*', { AWS: '*' }, { AWS: 'arn:aws:iam::1:root' }),
    Action: fc.constantFrom('s3:*', '*', 's3:Get*', 's3:PutObject', ['s3:List*', 's3:*Object*']),
    Resource: fc.constantFrom(
      '*',
      'arn:aws:s3:::b',
      'arn:aws:s3:::b/*',
      'arn:aws:s3:::b/db/*',
      'arn:aws:s3:::b/db/*a',
      BOTH,
    ),
    Condition: fc.constantFrom<NonNullable<Statement['Condition']>>(
      {},
      { Bool: { 'aws:SecureTransport': 'false' } },
      { Bool: { 'aws:SecureTransport': 'true' } },
      { Bool: { 'aws:SecureTransport': 'false' }, StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
    ),
  },
  { requiredKeys: ['Effect', 'Principal', 'Action', 'Resource'] },
)

describe('any policy', () => {
  test('that leaves no gap denies each single request over plain HTTP', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 5 }), word, (statements, key) => {
        const open = gaps(...statements)
        for (const action of OBJECT_ACTIONS) {
          if (open.includes(action)) continue
          expect(statements.some((one) => deniesOne(one, action, `arn:aws:s3:::b/db/${key}`))).toBe(true)
        }
      }),
    )
  })

  test('has fewer gaps, never more, with another statement', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 4 }), statement, (statements, more) => {
        const before = gaps(...statements)
        for (const action of gaps(...statements, more)) expect(before).toContain(action)
      }),
    )
  })

  test('has none once the statement is added, which is there once and hurts no other', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 4 }), (statements) => {
        const once = withTlsOnly({ Version: '2012-10-17', Statement: statements }, target)
        expect(plainHttpGaps(once, target)).toEqual([])
        expect(statementsOf(once).slice(0, -1)).toEqual(statements)
        expect(withTlsOnly(once, target)).toEqual(once)
      }),
    )
  })
})

/** One request of an account that is unknown here, read as simply as can be. */
function deniesOne(
  { Effect, Principal, Action, Resource, Condition = {} }: Statement,
  action: string,
  arn: string,
): boolean {
  const matches = (globs: Statement['Action'], text: string) =>
    [globs ?? []].flat().some((glob) => asRegExp(glob.toLowerCase()).test(text.toLowerCase()))
  const everybody = JSON.stringify(Principal).includes('"*"')
  const conditions = JSON.stringify(Condition)
  const holds =
    conditions === '{}' || conditions === JSON.stringify({ Bool: { 'aws:SecureTransport': 'false' } })
  return Effect === 'Deny' && everybody && holds && matches(Action, action) && matches(Resource, arn)
}
