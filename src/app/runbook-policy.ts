import type { Permission, Runbook } from '../core/runbook.ts'
import { inPartition } from '../runbooks/aws-cli.ts'

interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow'
  readonly Principal?: { readonly AWS: string }
  readonly Action: readonly string[]
  readonly Resource: readonly string[] | '*'
  readonly Condition?: unknown
}

export interface RunbookPolicy {
  /** For whoever runs the way. */
  readonly iam: { readonly Version: '2012-10-17'; readonly Statement: readonly Statement[] }
  /** To add to the policy of each key, by its ARN: a key's own policy decides, whatever IAM says. */
  readonly keys: Readonly<Record<string, readonly Statement[]>>
}

/** The least that the steps of a plan need, each action with the things that it is for. */
export function runbookPolicy<Ports>(
  { steps, gathers = [] }: Runbook<Ports>,
  callerArn: string,
): RunbookPolicy {
  const partition = callerArn.split(':')[1] ?? 'aws'
  const wanted = [
    ...(gathers.length === 0 ? [] : [{ actions: gathers, resources: ['*'] }]),
    ...steps.flatMap((step) => step.permissions()),
  ].map((permission) => ({
    ...permission,
    resources: permission.resources.map((resource) => inPartition(partition, resource)),
  }))
  const merged = new Map<string, { readonly permission: Permission; readonly actions: Set<string> }>()
  for (const permission of wanted) {
    const resources = [...new Set(permission.resources)].sort()
    const key = JSON.stringify([resources, permission.condition])
    const known = merged.get(key)
    if (known === undefined)
      merged.set(key, { permission: { ...permission, resources }, actions: new Set(permission.actions) })
    else for (const action of permission.actions) known.actions.add(action)
  }
  const statements = [...merged.values()].map(({ permission, actions }) => ({
    Effect: 'Allow' as const,
    Action: [...actions].sort(),
    Resource: permission.resources,
    ...(permission.condition !== undefined && { Condition: permission.condition }),
  }))
  return { iam: { Version: '2012-10-17', Statement: statements }, keys: keyStatements(wanted, callerArn) }
}

function keyStatements(wanted: readonly Permission[], callerArn: string): Record<string, Statement[]> {
  const byKey = new Map<string, Set<string>>()
  for (const { actions, resources } of wanted) {
    for (const key of resources.filter((name) => name.includes(':kms:'))) {
      const known = byKey.get(key) ?? new Set()
      for (const action of actions) known.add(action)
      byKey.set(key, known)
    }
  }
  const principal = { AWS: roleOf(callerArn) }
  return Object.fromEntries(
    [...byKey].map(([key, actions]) => {
      const rest = [...actions].filter((action) => action !== 'kms:CreateGrant').sort()
      const statement = { Effect: 'Allow', Principal: principal, Resource: '*' } as const
      return [
        key,
        [
          { Sid: 'lifeboat', ...statement, Action: rest },
          // A grant is for RDS alone: the caller itself can not pass the key on.
          ...(actions.has('kms:CreateGrant')
            ? [
                {
                  ...{ Sid: 'lifeboatGrants', ...statement, Action: ['kms:CreateGrant'] },
                  Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
                },
              ]
            : []),
        ],
      ]
    }),
  )
}

/** A policy names the role, not the session that it is assumed in. */
function roleOf(arn: string): string {
  return arn.replace(/^arn:([a-z-]+):sts::(\d+):assumed-role\/([^/]+)\/.*$/, 'arn:$1:iam::$2:role/$3')
}
