import type { Observation, Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn } from './aws-cli.ts'
import type { SnapshotKind } from './ports/rds-backups.ts'
import type { CloudPorts } from './ports.ts'
import type { SourceModel } from './source-model.ts'

export interface RolePlan {
  readonly region: string
  readonly account: string
  readonly kind: SnapshotKind
  readonly id: string
}

type Role = SourceModel['roles'][number]

/** The roles by which the old database reached other services. RDS takes none for an instance without what it is for. */
export function giveRoles(plan: RolePlan, model: SourceModel | null): readonly Step<CloudPorts>[] {
  return givable(model).map((role, index) => giveRole(plan, role, index + 1))
}

export function givable(model: SourceModel | null): readonly Role[] {
  return (model?.roles ?? []).filter(({ feature }) => model?.kind === 'cluster' || feature !== null)
}

function giveRole({ region, account, kind, id }: RolePlan, role: Role, number: number): Step<CloudPorts> {
  const { role: arn, feature } = role
  const what = `db-${kind}`
  const named = { [`${what}-identifier`]: id }
  const listed = kind === 'cluster' ? 'DBClusters' : 'DBInstances'
  return {
    id: `give-role-${number}`,
    title: `give ${id} role ${arn}${feature === null ? '' : ` for ${feature}`}`,
    effect: 'create',
    usualMs: 60_000,
    command: () => [
      aws(region, 'rds', `add-role-to-${what}`, {
        ...{ ...named, 'role-arn': arn, 'feature-name': feature ?? undefined },
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', `describe-${what}s`, named] as const),
        `${listed}[0].AssociatedRoles[?RoleArn=='${arn}'].Status|[0]`,
        'ACTIVE',
      ),
    permissions: () => [
      mayLook(kind === 'cluster' ? 'rds:DescribeDBClusters' : 'rds:DescribeDBInstances'),
      {
        actions: [kind === 'cluster' ? 'rds:AddRoleToDBCluster' : 'rds:AddRoleToDBInstance'],
        resources: [rdsArn(region, account, kind === 'cluster' ? 'cluster' : 'db', id)],
      },
      {
        actions: ['iam:PassRole'],
        resources: [arn],
        condition: { StringEquals: { 'iam:PassedToService': 'rds.amazonaws.com' } },
      },
    ],
    async observe({ target: { rds } }, signal): Promise<Observation> {
      const found = kind === 'cluster' ? await rds.cluster(id, signal) : await rds.instance(id, signal)
      if (found === undefined) return { state: 'blocked', reason: `there is no ${kind} ${id}` }
      const has =
        feature === null
          ? found.roles.includes(arn)
          : (found.roleFeatures ?? []).some((each) => each.role === arn && each.feature === feature)
      if (has) return { state: 'done' }
      if (found.status !== 'available') return { state: 'running', reason: `status ${found.status}` }
      return { state: 'todo' }
    },
    apply: ({ target: { rds } }, signal) =>
      rds.addRole({ kind, id, role: arn, ...(feature !== null && { feature }) }, signal),
  }
}
