import {
  type EvaluationResult,
  GetRoleCommand,
  IAMClient,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { faultOf } from '../core/cloud-fault.ts'
import type { Decision, IamPort } from '../runbooks/ports/iam.ts'
import { given } from './answer.ts'
import { type Api, type ApiSettings, createApi } from './api.ts'
import { parseArn } from './arn.ts'
import { ifThere } from './if-there.ts'
import { allPages, inChunks } from './pages.ts'

type Wanted = Parameters<IamPort['simulate']>[1]

/** STS answers in each region; IAM only where its control plane is. */
export interface IamSettings {
  readonly sts: ApiSettings
  readonly iam: ApiSettings
}

export function openIam(settings: IamSettings): {
  readonly port: IamPort
  readonly apis: readonly [Api<STSClient>, Api<IAMClient>]
} {
  const sts = createApi(settings.sts, (client) => new STSClient(client))
  const iam = createApi(settings.iam, (client) => new IAMClient(client))
  return { port: createIam(sts, iam), apis: [sts, iam] }
}

function createIam(sts: Api<STSClient>, iam: Api<IAMClient>): IamPort {
  return {
    async caller(signal) {
      const deed = { operation: 'sts:GetCallerIdentity', to: 'find out who the caller is' }
      return await sts.call(deed, signal, async (client, at) => {
        const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}), at)
        const arn = given(Arn, 'Arn')
        const partition = given(parseArn(arn)?.partition, 'partition of the caller')
        return { account: given(Account, 'Account'), arn, partition }
      })
    },

    async role(arn, signal) {
      const RoleName = arn.slice(arn.lastIndexOf('/') + 1)
      const deed = { operation: 'iam:GetRole', to: `look at role '${RoleName}'` }
      const answer = await ifThere(
        iam.call(deed, signal, (client, at) => client.send(new GetRoleCommand({ RoleName }), at)),
      )
      const role = answer?.Role
      if (role === undefined) return undefined
      const trust = decodeURIComponent(role.AssumeRolePolicyDocument ?? '')
      return { arn: given(role.Arn, 'Arn'), trust }
    },

    async simulate(principalArn, wanted, signal) {
      const reason = whyNotSimulated(principalArn)
      if (reason !== undefined) return unknown(wanted, reason)
      try {
        const source = await policySource(iam, principalArn, signal)
        return (await Promise.all(wanted.map((one) => simulateOne(iam, source, one, signal)))).flat()
      } catch (thrown) {
        if (faultOf(thrown) !== 'denied' && faultOf(thrown) !== 'not-found') throw thrown
        return unknown(wanted, 'the caller may not ask IAM (iam:SimulatePrincipalPolicy)')
      }
    },
  }
}

function whyNotSimulated(arn: string): string | undefined {
  if (/:root$/.test(arn))
    return "IAM simulates no root user, who may do all that the organization's policies allow"
  if (/:federated-user\//.test(arn)) return 'IAM simulates no federated user'
  return undefined
}

/** Whoever assumed a role is judged by the role's policies; the session's ARN lacks the role's path, which IAM wants. */
async function policySource(iam: Api<IAMClient>, arn: string, signal: AbortSignal): Promise<string> {
  const { partition, account } = parseArn(arn) ?? {}
  const RoleName = /:assumed-role\/([^/]+)\//.exec(arn)?.[1]
  if (RoleName === undefined) return arn
  const deed = { operation: 'iam:GetRole', to: `look at role '${RoleName}'` }
  try {
    const answer = await iam.call(deed, signal, (client, at) =>
      client.send(new GetRoleCommand({ RoleName }), at),
    )
    return given(answer.Role?.Arn, 'Arn')
  } catch (thrown) {
    if (faultOf(thrown) !== 'denied') throw thrown
    return `arn:${partition}:iam::${account}:role/${RoleName}`
  }
}

/** Far below what a request of IAM may be long. */
const RESOURCES_AT_ONCE = 20
const ACTIONS_AT_ONCE = 50

async function simulateOne(
  iam: Api<IAMClient>,
  PolicySourceArn: string,
  { actions, resources }: Wanted[number],
  signal: AbortSignal,
): Promise<Decision[]> {
  const deed = { operation: 'iam:SimulatePrincipalPolicy', to: `simulate what '${PolicySourceArn}' may do` }
  const results: EvaluationResult[] = []
  for (const ActionNames of inChunks(actions, ACTIONS_AT_ONCE)) {
    for (const ResourceArns of inChunks(resources, RESOURCES_AT_ONCE)) {
      const found = await iam.call(deed, signal, (client, at) =>
        allPages(async (Marker) => {
          const asked = { PolicySourceArn, ActionNames, ResourceArns, Marker }
          const page = await client.send(new SimulatePrincipalPolicyCommand(asked), at)
          return { items: page.EvaluationResults, next: page.IsTruncated === true ? page.Marker : undefined }
        }),
      )
      results.push(...found)
    }
  }
  return actions.flatMap((action) => resources.map((resource) => decisionOf(results, action, resource)))
}

function decisionOf(results: readonly EvaluationResult[], action: string, resource: string): Decision {
  const same = results.filter(
    ({ EvalActionName = '' }) => EvalActionName.toLowerCase() === action.toLowerCase(),
  )
  const specific = same
    .flatMap(({ ResourceSpecificResults = [] }) => ResourceSpecificResults)
    .find(({ EvalResourceName }) => EvalResourceName === resource)
  const whole = same.find(({ EvalResourceName }) => EvalResourceName === resource)
  const said = specific?.EvalResourceDecision ?? whole?.EvalDecision
  if (said === undefined) return { action, resource, decision: 'unknown', reason: 'IAM says nothing of it' }
  if (said === 'allowed') return { action, resource, decision: 'allowed' }
  const missing = specific?.MissingContextValues ?? whole?.MissingContextValues ?? []
  if (missing.length > 0 && said === 'implicitDeny') {
    return { action, resource, decision: 'unknown', reason: `it depends on ${missing.join(', ')}` }
  }
  return { action, resource, decision: 'denied', reason: reasonOf(said, whole) }
}

function reasonOf(said: string, whole: EvaluationResult | undefined): string {
  if (whole?.OrganizationsDecisionDetail?.AllowedByOrganizations === false) {
    return 'a policy of the organization forbids it'
  }
  if (whole?.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false) {
    return 'the permissions boundary forbids it'
  }
  return said === 'explicitDeny' ? 'a policy denies it' : 'no policy allows it'
}

function unknown(wanted: Wanted, reason: string): Decision[] {
  return wanted.flatMap(({ actions, resources }) =>
    actions.flatMap((action) =>
      resources.map((resource) => ({ action, resource, decision: 'unknown' as const, reason })),
    ),
  )
}
