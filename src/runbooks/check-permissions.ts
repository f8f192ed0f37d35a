import { faultOf } from '../core/cloud-fault.ts'
import { messageOf } from '../core/errors.ts'
import type { CliLine, Permission, Step } from '../core/runbook.ts'
import { aws, inPartition, mayLook, partitionOf } from './aws-cli.ts'
import { judgeKeyPolicy } from './key-policy.ts'
import type { Caller, Decision } from './ports/iam.ts'
import type { CloudPorts } from './ports.ts'

/**
 * Every permission that the steps need, looked at before the first of them: IAM simulates the caller's policies, and the policies of
 * the keys are read. What nobody can tell is `unknown` and holds up nothing: the step itself will say.
 */
export function checkPermissions(
  region: string,
  wanted: readonly Permission[],
  guards: string,
  isAccepted: boolean,
): Step<CloudPorts> {
  return {
    id: 'check-permissions',
    title: 'look whether all that is needed is allowed',
    effect: 'read',
    guards,
    command: () => questions(region, wanted),
    check: () => undefined,
    permissions: () => [
      mayLook('sts:GetCallerIdentity', 'iam:SimulatePrincipalPolicy', 'iam:GetRole', 'kms:GetKeyPolicy'),
    ],
    async observe(ports, signal) {
      const caller = await ports.iam.caller(signal)
      const asked = wanted.map((permission) => ({
        ...permission,
        resources: permission.resources.map((resource) => inPartition(caller.partition, resource)),
      }))
      const decisions = [
        ...(await simulate(ports, caller, asked, signal)),
        ...(await askKeys(ports, caller, asked, signal)),
      ]
      const denied = decisions.filter(({ decision }) => decision === 'denied')
      const unknown = decisions.filter(({ decision }) => decision === 'unknown')
      const seen = {
        allowed: decisions.length - denied.length - unknown.length,
        denied: denied.length,
        unknown: unknown.length,
      }
      const [first] = unknown
      const doubt =
        first === undefined
          ? undefined
          : `not known of ${unknown.length} of ${decisions.length}: ${first.reason ?? 'IAM says nothing of it'}`
      if (denied.length === 0) return { state: 'done', seen, ...(doubt !== undefined && { reason: doubt }) }
      const reason = `denied: ${[...new Set(denied.map(wordsOf))].join('; ')}`
      if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen }
      const hint =
        'Give this account what lifeboat migrate --print-policy shows for this way; --accept denied tries all the same, since IAM simulates without all that counts.'
      return { state: 'blocked', reason, hint, seen }
    },
    apply: () => Promise.resolve(),
  }
}

/**
 * IAM crosses all actions with all resources, so that what has resources of its own is asked by itself. It takes a role or a user, and
 * not the session that STS names: whoever types fills that in. The line prints what is not allowed.
 */
function questions(region: string, wanted: readonly Permission[]): readonly CliLine[] {
  const asked = new Map<string, { readonly actions: Set<string>; readonly resources: readonly string[] }>()
  for (const { actions, resources } of wanted) {
    const name = resources.join(' ')
    const same = asked.get(name) ?? { actions: new Set(), resources }
    for (const action of actions) same.actions.add(action)
    asked.set(name, same)
  }
  return [...asked.values()].map(({ actions, resources }) =>
    aws(region, 'iam', 'simulate-principal-policy', {
      ...{
        'policy-source-arn': `arn:${partitionOf(region)}:iam::ACCOUNT:role/ROLE`,
        'action-names': [...actions],
      },
      ...(resources.includes('*') ? {} : { 'resource-arns': resources }),
      ...{ query: NOT_ALLOWED, output: 'text' },
    }),
  )
}

const NOT_ALLOWED =
  "EvaluationResults[?EvalDecision!='allowed'].[EvalActionName,EvalResourceName,EvalDecision]"

function wordsOf({ action, resource, reason }: Decision): string {
  return `${action}${resource === '*' ? '' : ` on ${resource}`}${reason === undefined ? '' : ` (${reason})`}`
}

/** IAM's control plane is in one region, which may be the dead one: then nothing is known, and nothing held up. */
async function simulate(
  { iam }: CloudPorts,
  caller: Caller,
  wanted: readonly Permission[],
  signal: AbortSignal,
): Promise<readonly Decision[]> {
  const asked = wanted.map(({ actions, resources }) => ({ actions, resources }))
  try {
    const decisions = await iam.simulate(caller.arn, asked, signal)
    // A key's own policy may allow what IAM's do not.
    return decisions.map((each) =>
      each.decision === 'denied' && each.action.startsWith('kms:')
        ? { ...each, decision: 'unknown', reason: `IAM: ${each.reason ?? 'denied'}` }
        : each,
    )
  } catch (thrown) {
    if (faultOf(thrown) === undefined) throw thrown
    return unknownAll(asked, messageOf(thrown))
  }
}

async function askKeys(
  { source, target }: CloudPorts,
  caller: Caller,
  wanted: readonly Permission[],
  signal: AbortSignal,
): Promise<readonly Decision[]> {
  const decisions: Decision[] = []
  const policies = new Map<string, string | { readonly failed: string }>()
  for (const { actions, resources } of wanted) {
    for (const key of resources.filter((name) => name.includes(':kms:'))) {
      const [, , , region] = key.split(':')
      const ports = [target, source].find((each) => each.region === region)
      if (ports === undefined) continue
      let policy = policies.get(key)
      if (policy === undefined) {
        try {
          policy = await ports.kms.policy(key, signal)
        } catch (thrown) {
          if (faultOf(thrown) === undefined) throw thrown
          policy = { failed: messageOf(thrown) }
        }
        policies.set(key, policy)
      }
      const known = policy
      decisions.push(
        ...actions.map(
          (action): Decision => ({
            ...{ action, resource: key },
            ...(typeof known === 'string'
              ? judgeKeyPolicy(known, caller, action)
              : { decision: 'unknown' as const, reason: known.failed }),
          }),
        ),
      )
    }
  }
  return decisions
}

function unknownAll(wanted: readonly Permission[], reason: string): readonly Decision[] {
  return wanted.flatMap(({ actions, resources }) =>
    actions.flatMap((action) =>
      resources.map((resource) => ({ action, resource, decision: 'unknown' as const, reason })),
    ),
  )
}
