import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type QueryCloud, startQueryCloud } from '../../testbed/query-cloud.ts'

const SESSION = 'arn:aws-us-gov:sts::123456789012:assumed-role/dr-operator/me@example.com'
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1'

/** moto simulates no policies. */
describe('iam', () => {
  const { signal } = new AbortController()
  let cloud: QueryCloud
  beforeEach(async () => {
    cloud = await startQueryCloud()
  })
  afterEach(() => cloud[Symbol.asyncDispose]())

  const simulate = (arn: string) =>
    cloud.ports.iam.simulate(
      arn,
      [
        { actions: ['rds:CopyDBSnapshot', 'rds:AddTagsToResource'], resources: ['*'] },
        { actions: ['kms:CreateGrant'], resources: [KEY, `${KEY}2`] },
      ],
      signal,
    )
  const simulated = () => cloud.fake.calls.filter(({ action }) => action === 'SimulatePrincipalPolicy')

  test('the caller has the partition of its ARN', async () => {
    cloud.fake.on('GetCallerIdentity', () => ({
      result: { Account: '123456789012', Arn: SESSION, UserId: 'x' },
    }))
    expect(await cloud.ports.iam.caller(signal)).toEqual({
      ...{ account: '123456789012', arn: SESSION, partition: 'aws-us-gov' },
    })
  })

  test('a role is found by its ARN, whatever its path, with who may assume it', async () => {
    const trust = '{"Statement":[{"Effect":"Allow"}]}'
    const Arn = 'arn:aws:iam::123456789012:role/databases/imports'
    cloud.fake.on('GetRole', ({ input }) =>
      input.RoleName === 'imports'
        ? {
            result: {
              Role: {
                ...{ Arn, RoleName: 'imports', Path: '/databases/', RoleId: 'A' },
                CreateDate: new Date('2026-11-22T21:05:00Z'),
                AssumeRolePolicyDocument: encodeURIComponent(trust),
              },
            },
          }
        : { code: 'NoSuchEntity', message: 'no', status: 404 },
    )
    expect(await cloud.ports.iam.role(Arn, signal)).toEqual({ arn: Arn, trust })
    expect(await cloud.ports.iam.role('arn:aws:iam::123456789012:role/gone', signal)).toBeUndefined()
    cloud.fake.on('GetRole', () => ({ code: 'AccessDenied', status: 403 }))
    await expect(cloud.ports.iam.role(Arn, signal)).rejects.toMatchObject({ details: { fault: 'denied' } })
  })

  test('each action on each resource is judged, with the reason', async () => {
    cloud.fake.on('SimulatePrincipalPolicy', ({ input }) => ({
      result:
        input['ActionNames.member.1'] === 'kms:CreateGrant'
          ? {
              EvaluationResults: [
                {
                  ...{
                    EvalActionName: 'kms:CreateGrant',
                    EvalDecision: 'explicitDeny' as const,
                    EvalResourceName: KEY,
                  },
                  ResourceSpecificResults: [
                    { EvalResourceName: KEY, EvalResourceDecision: 'explicitDeny' as const },
                    { EvalResourceName: `${KEY}2`, EvalResourceDecision: 'allowed' as const },
                  ],
                },
              ],
            }
          : {
              EvaluationResults: [
                {
                  EvalActionName: 'rds:CopyDBSnapshot',
                  EvalDecision: 'allowed' as const,
                  EvalResourceName: '*',
                },
                {
                  ...{ EvalActionName: 'rds:AddTagsToResource', EvalDecision: 'implicitDeny' as const },
                  ...{ EvalResourceName: '*', MissingContextValues: ['aws:RequestTag/lifeboat:run'] },
                },
              ],
            },
    }))
    expect(await simulate('arn:aws:iam::123456789012:user/me')).toEqual([
      { action: 'rds:CopyDBSnapshot', resource: '*', decision: 'allowed' },
      {
        ...{ action: 'rds:AddTagsToResource', resource: '*', decision: 'unknown' },
        reason: 'it depends on aws:RequestTag/lifeboat:run',
      },
      { action: 'kms:CreateGrant', resource: KEY, decision: 'denied', reason: 'a policy denies it' },
      { action: 'kms:CreateGrant', resource: `${KEY}2`, decision: 'allowed' },
    ])
  })

  test.each([
    [{ OrganizationsDecisionDetail: { AllowedByOrganizations: false } }, /organization/],
    [{ PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: false } }, /boundary/],
    [{}, /no policy allows/],
  ])('who forbids it: %o', async (detail, reason) => {
    cloud.fake.on('SimulatePrincipalPolicy', ({ input }) => ({
      result: {
        EvaluationResults: [
          {
            ...{ EvalActionName: input['ActionNames.member.1'], EvalDecision: 'implicitDeny' as const },
            ...{ EvalResourceName: input['ResourceArns.member.1'], ...detail },
          },
        ],
      },
    }))
    const [first] = await simulate('arn:aws:iam::123456789012:user/me')
    expect(first).toMatchObject({ decision: 'denied', reason: expect.stringMatching(reason) })
  })

  test('of what IAM does not answer nothing is known', async () => {
    cloud.fake.on('SimulatePrincipalPolicy', () => ({ result: { EvaluationResults: [] } }))
    const decisions = await simulate('arn:aws:iam::123456789012:user/me')
    expect(decisions.map(({ decision }) => decision)).toEqual(['unknown', 'unknown', 'unknown', 'unknown'])
  })

  test('all pages count', async () => {
    cloud.fake.on('SimulatePrincipalPolicy', ({ input }) => ({
      result:
        input.Marker === undefined
          ? { EvaluationResults: [], IsTruncated: true, Marker: 'next' }
          : {
              EvaluationResults: [
                {
                  EvalActionName: 'rds:CopyDBSnapshot',
                  EvalDecision: 'allowed' as const,
                  EvalResourceName: '*',
                },
              ],
              IsTruncated: false,
            },
    }))
    expect((await simulate('arn:aws:iam::123456789012:user/me'))[0]?.decision).toBe('allowed')
  })

  test('a session is judged by its role, with the path that only IAM knows', async () => {
    const Arn = 'arn:aws-us-gov:iam::123456789012:role/emergency/dr-operator'
    const role = { RoleName: 'dr-operator', Path: '/emergency/', RoleId: 'x', CreateDate: new Date(0), Arn }
    cloud.fake.on('GetRole', () => ({ result: { Role: role } }))
    cloud.fake.on('SimulatePrincipalPolicy', () => ({ result: { EvaluationResults: [] } }))
    await simulate(SESSION)
    expect(new Set(simulated().map(({ input }) => input.PolicySourceArn))).toEqual(new Set([Arn]))
  })

  test('a session that may not look at its role is judged by the ARN that it most likely has', async () => {
    cloud.fake.on('GetRole', () => ({ code: 'AccessDenied', status: 403 }))
    cloud.fake.on('SimulatePrincipalPolicy', () => ({ result: { EvaluationResults: [] } }))
    await simulate(SESSION)
    expect(simulated()[0]?.input.PolicySourceArn).toBe('arn:aws-us-gov:iam::123456789012:role/dr-operator')
  })

  test('where the look itself is denied, all is unknown', async () => {
    cloud.fake.onAll(() => ({ code: 'AccessDenied', status: 403 }))
    for (const { decision, reason } of await simulate('arn:aws:iam::123456789012:user/me')) {
      expect({ decision, reason }).toEqual({
        ...{ decision: 'unknown', reason: 'the caller may not ask IAM (iam:SimulatePrincipalPolicy)' },
      })
    }
  })

  test.each(['arn:aws:iam::123456789012:root', 'arn:aws:sts::123456789012:federated-user/me'])(
    '%s can not be simulated, and IAM is not asked',
    async (arn) => {
      const [first] = await simulate(arn)
      expect(first).toMatchObject({ decision: 'unknown', reason: expect.stringMatching(/^IAM simulates no/) })
      expect(cloud.fake.calls).toEqual([])
    },
  )

  test('that IAM is dead is no decision', async () => {
    cloud.fake.onAll(() => ({ code: 'ServiceUnavailable', status: 503 }))
    await expect(simulate('arn:aws:iam::123456789012:user/me')).rejects.toMatchObject({
      details: { fault: 'unavailable', region: 'us-east-1' },
    })
  })
})
