import type { Runbook, Way } from '../core/runbook.ts'
import { checkOffer, checkQuota } from './check-offer.ts'
import { checkPermissions } from './check-permissions.ts'
import { estimateOf } from './estimate.ts'
import { type ParityPlan, parityStep, parityWarning } from './parity-step.ts'
import type { CloudPorts } from './ports.ts'
import type { Posture } from './posture.ts'
import { readSourcePosture, type SourcePosture } from './source-posture.ts'
import { verifyStep } from './verify-step.ts'
import { type Acceptable, accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export interface CheckedOptions<Options> {
  readonly own: Options
  readonly source: string
  readonly target: string
  readonly db: string
  readonly accepted: readonly Acceptable[]
  readonly newestQuery: string | null
  readonly write: boolean
  readonly usdPerGib: number | null
}

/** The way's own, and how the source is protected. Absent in journals of runs that were planned before it was asked. */
export type CheckedFacts<Facts> = Facts & { readonly sourcePosture?: SourcePosture }

/** Of a way that may make no call to the source region: what its own facts say of the source all the same. */
export interface WithoutSource<Facts> {
  said(facts: Facts): Partial<Posture>
}

/** A snapshot or backup says whether what it is of was encrypted. */
export const SAID_BY_BACKUP: WithoutSource<{ readonly encrypted: boolean }> = {
  said: ({ encrypted }) => ({ encrypted }),
}

/**
 * What all ways do before they change anything: permissions, what the target region offers, quotas, and an estimate of the whole. Once
 * the first change has begun none of it is asked any more. And what they do at the end: the new database is compared with the old one,
 * and looked at as an application would.
 */
export function withChecks<Options, Facts extends object>(
  way: Way<WayFlags, Options, Facts, CloudPorts>,
  without?: WithoutSource<Facts>,
): Way<WayFlags, CheckedOptions<Options>, CheckedFacts<Facts>, CloudPorts> {
  return {
    ...way,
    choose: (flags) => ({
      ...{ own: way.choose(flags), ...needRegions(flags), db: needOneDb(flags, way.name) },
      ...{ accepted: accepted(flags), newestQuery: flags.newestQuery ?? null, write: flags.write ?? true },
      usdPerGib: flags.usdPerGib ?? null,
    }),
    async gather({ own, db }, ports, signal) {
      const facts = await way.gather(own, ports, signal)
      const said = without?.said(facts) ?? {}
      const sourcePosture = await readSourcePosture(db, ports, without === undefined, said, signal)
      return { ...facts, sourcePosture }
    },
    plan: (options, facts, run) => checked(options, way.plan(options.own, facts, run), facts.sourcePosture),
    example: {
      options: {
        ...{ own: way.example.options, source: 'eu-west-1', target: 'eu-central-1', db: 'shop' },
        ...{ accepted: [], newestQuery: null, write: true, usdPerGib: null },
      },
      facts: {
        ...way.example.facts,
        sourcePosture:
          without === undefined
            ? EXAMPLE
            : { ...NOBODY, known: without.said(way.example.facts), from: 'backup' },
      },
    },
  }
}

function checked<Options>(
  options: CheckedOptions<Options>,
  runbook: Runbook<CloudPorts>,
  sourcePosture: SourcePosture = NOBODY,
): Runbook<CloudPorts> {
  const { target, db, accepted: taken } = options
  const { needs, makes } = runbook
  const parity: ParityPlan | undefined =
    makes === undefined ? undefined : { target, db, made: makes, source: sourcePosture, accepted: taken }
  const compared = parity === undefined ? [] : [parityStep(parity)]
  const steps = [
    ...runbook.steps,
    ...compared,
    ...(makes === undefined ? [] : [verifyStep({ ...options, made: makes, accepted: taken })]),
  ]
  const first = steps.find(({ effect }) => effect !== 'read')
  if (first === undefined) return { ...runbook, steps }
  const offered =
    needs === undefined ? [] : [checkOffer(target, needs, first.id), checkQuota(target, needs, first.id)]
  // Nobody is kept from leaving by a look at alarms: what 'verify' may not see it says.
  const wanted = [...offered, ...runbook.steps, ...compared].flatMap((step) => step.permissions())
  return {
    ...runbook,
    warnings: [...runbook.warnings, ...(parity === undefined ? [] : parityWarning(parity))],
    steps: [checkPermissions(target, wanted, first.id, taken.includes('denied')), ...offered, ...steps],
    estimate: estimateOf(runbook, options.usdPerGib),
  }
}

const NOBODY: SourcePosture = {
  ...{ from: 'nowhere', known: {} },
  reason: 'this way does not ask the source, and no --inventory was given',
}

const EXAMPLE: SourcePosture = {
  from: 'source',
  known: {
    ...{ encrypted: true, public: false, tlsForced: true, deletionProtection: true, backupDays: 7 },
    ...{ logExports: ['error'], iamAuthentication: true, parameters: { require_secure_transport: '1' } },
    inbound: [
      {
        ...{ groupId: 'sg-0123456789abcdef0', protocol: 'tcp', fromPort: 3306, toPort: 3306 },
        peer: '10.0.0.0/16',
      },
    ],
  },
  reason: null,
}
