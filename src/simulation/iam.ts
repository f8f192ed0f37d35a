import type { IamPort } from '../runbooks/ports/iam.ts'
import { GLOBAL_REGION } from './route53.ts'
import type { World } from './world.ts'

export function createIam(world: World, region: string): IamPort {
  return {
    caller: (signal) =>
      world.call('sts:GetCallerIdentity', region, 'read', signal, () => ({
        account: world.account,
        arn: `arn:aws:iam::${world.account}:role/lifeboat`,
        partition: 'aws',
      })),
    role: (arn, signal) =>
      world.call('iam:GetRole', GLOBAL_REGION, 'read', signal, () => {
        const trust = world.roles.get(arn)
        return trust === undefined ? undefined : { arn, trust }
      }),
    simulate: (_principal, wanted, signal) =>
      world.call('iam:SimulatePrincipalPolicy', GLOBAL_REGION, 'read', signal, () =>
        wanted.flatMap(({ actions, resources }) =>
          actions.flatMap((action) =>
            resources.map((resource) => ({
              action,
              resource,
              decision: world.deniedActions.has(action) ? ('denied' as const) : ('allowed' as const),
            })),
          ),
        ),
      ),
  }
}
