import type { PulsePort } from '../runbooks/ports/pulse.ts'
import type { World } from './world.ts'

export function createPulse(world: World): PulsePort {
  return {
    s3: (region, signal) => world.call('s3:ListBuckets', region, 'read', signal, () => undefined),
    sts: (region, signal) =>
      world.call('sts:GetCallerIdentity', region, 'read', signal, () => ({ account: world.account })),
  }
}
