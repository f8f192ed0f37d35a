import type { IamPort, IamRole } from '../../runbooks/ports/iam.ts'
import type { Asker } from './asker.ts'
import { type Databases, unique } from './related.ts'

export interface TakenRoles {
  readonly roles: readonly IamRole[]
  /** ARNs that IAM does not know. */
  readonly gone: readonly string[]
}

/** The roles that databases have, and that watch over them. IAM has one control plane for all regions. */
export async function takeRoles(
  iam: IamPort,
  { instances, clusters }: Databases,
  asker: Asker,
): Promise<TakenRoles> {
  const arns = unique([
    ...[...instances, ...clusters].flatMap(({ roles }) => roles),
    ...instances.flatMap(({ monitoring }) => monitoring?.roleArn ?? []),
  ])
  const roles: IamRole[] = []
  const gone: string[] = []
  await Promise.all(
    arns.map(async (arn) => {
      const question = { what: 'roles', of: arn, service: 'iam' } as const
      const answer = await asker.ask(question, async (signal) => ({ role: await iam.role(arn, signal) }))
      if (answer === undefined) return
      if (answer.role === undefined) {
        gone.push(arn)
        asker.note(question, 'there is none such')
      } else roles.push(answer.role)
    }),
  )
  return { roles: roles.sort((a, b) => (a.arn < b.arn ? -1 : 1)), gone }
}
