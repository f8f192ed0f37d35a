import type { Runbook, Way } from '../core/runbook.ts'
import { checkOffer, checkQuota } from './check-offer.ts'
import { checkPermissions } from './check-permissions.ts'
import { estimateOf } from './estimate.ts'
import type { CloudPorts } from './ports.ts'
import { accepted, needRegions, type WayFlags } from './way-flags.ts'

export interface CheckedOptions<Options> {
  readonly own: Options
  readonly target: string
  readonly acceptDenied: boolean
}

/**
 * What all ways do before they change anything: permissions, what the target region offers, quotas, and an estimate of the whole.
 * Once the first change has begun none of it is asked any more.
 */
export function withChecks<Options, Facts>(
  way: Way<WayFlags, Options, Facts, CloudPorts>,
): Way<WayFlags, CheckedOptions<Options>, Facts, CloudPorts> {
  return {
    ...way,
    choose: (flags) => ({
      own: way.choose(flags),
      target: needRegions(flags).target,
      acceptDenied: accepted(flags).includes('denied'),
    }),
    gather: ({ own }, ports, signal) => way.gather(own, ports, signal),
    plan: (options, facts, run) => checked(options, way.plan(options.own, facts, run)),
    example: {
      options: { own: way.example.options, target: 'eu-central-1', acceptDenied: false },
      facts: way.example.facts,
    },
  }
}

function checked<Options>(
  { target, acceptDenied }: CheckedOptions<Options>,
  runbook: Runbook<CloudPorts>,
): Runbook<CloudPorts> {
  const { steps, needs } = runbook
  const first = steps.find(({ effect }) => effect !== 'read')
  if (first === undefined) return runbook
  const offered =
    needs === undefined ? [] : [checkOffer(target, needs, first.id), checkQuota(target, needs, first.id)]
  const wanted = [...offered, ...steps].flatMap((step) => step.permissions())
  return {
    ...runbook,
    steps: [checkPermissions(wanted, first.id, acceptDenied), ...offered, ...steps],
    estimate: estimateOf(runbook),
  }
}
