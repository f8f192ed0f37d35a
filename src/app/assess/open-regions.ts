import { type Clock, systemClock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { PulsePort } from '../../runbooks/ports/pulse.ts'
import type { CloudPorts } from '../../runbooks/ports.ts'
import { needRegions, type WayFlags } from '../../runbooks/way-flags.ts'
import type { SimulatedKind } from '../open-cloud.ts'

export interface AssessedRegions extends Disposable {
  readonly ports: CloudPorts
  readonly pulse: PulsePort
  readonly clock: Clock
}

export interface RegionsRequest {
  readonly flags: WayFlags
  /** A cloud in memory that has one of these. */
  readonly simulate: SimulatedKind | undefined
  readonly faults: readonly string[]
  /** Of the AWS files. */
  readonly profile: string | undefined
}

/** Two regions to look at, real or simulated. Nothing is asked before the first call. */
export async function openAssessedRegions({
  flags,
  simulate,
  faults,
  profile,
}: RegionsRequest): Promise<AssessedRegions> {
  const { source, target } = needRegions(flags)
  if (simulate !== undefined) {
    const [{ simulatedWorld }, { simulatedPorts }, { createPulse }] = await Promise.all([
      import('../simulate-cloud.ts'),
      import('../../simulation/cloud.ts'),
      import('../../simulation/pulse.ts'),
    ])
    const world = simulatedWorld(flags, simulate, faults)
    return {
      ports: simulatedPorts(world, source, target),
      pulse: createPulse(world),
      clock: world.time.clock,
      [Symbol.dispose]: () => undefined,
    }
  }
  if (faults.length > 0) {
    throw new LifeboatError('usage', 'unable to start: --fault is of --simulate only', {
      hint: 'Add --simulate to rehearse, or leave out --fault.',
    })
  }
  const [{ openCloud }, { openPulse }, { createUnloggedDatabase }] = await Promise.all([
    import('../../aws/index.ts'),
    import('../../aws/pulse.ts'),
    import('../unlogged-database.ts'),
  ])
  const named = profile === undefined ? {} : { profile }
  const ports = openCloud({ source, target, ...named }, createUnloggedDatabase())
  const pulse = openPulse({ regions: [source, target], ...named })
  return {
    ...{ ports, pulse, clock: systemClock },
    [Symbol.dispose]() {
      ports[Symbol.dispose]()
      pulse[Symbol.dispose]()
    },
  }
}
