import type { Clock } from '../../core/clock.ts'
import { nearest } from '../../core/nearest.ts'
import { wrongWith } from '../../runbooks/key-check.ts'
import type { PulsePort } from '../../runbooks/ports/pulse.ts'
import type { Endpoint } from '../../runbooks/ports/rds.ts'
import type { CloudPorts } from '../../runbooks/ports.ts'
import type { WayFlags } from '../../runbooks/way-flags.ts'
import { type Inventory, sourceOf } from '../inventory/record.ts'
import type { PreparedLanding } from '../prepared-landings.ts'
import { type Answer, known, mapAnswer, unknown } from './answer.ts'
import { createAsk } from './ask.ts'
import {
  type Evidence,
  GLOBAL_REGION,
  type Identity,
  type MeasuredRun,
  type NativeBackup,
  type PlaneState,
  type Service,
  type SinkSeen,
} from './evidence.ts'
import { gatherDatabase } from './gather-database.ts'
import { askRegions, type RegionAnswers } from './gather-regions.ts'
import { databaseIds, identityOf, type Seen } from './identity.ts'

/** What the operator has chosen of the target region. */
export interface LandingFlags
  extends Pick<
    WayFlags,
    'kmsKey' | 'subnetGroup' | 'securityGroup' | 'parameterGroup' | 'optionGroup' | 'class' | 'zone'
  > {
  /** Of the AWS files: a command that is to ask as `assess` did needs it too. */
  readonly profile?: string
  /** File with an inventory, opened: what a way does not ask of the source it takes from there. */
  readonly inventory?: string
}

export interface GatherRequest {
  readonly ports: CloudPorts
  readonly pulse: PulsePort
  readonly clock: Clock
  /** For all of it; a single question has a third. */
  readonly timeoutMs: number
  /** Undefined for all of the source region. */
  readonly databases: readonly string[] | undefined
  readonly flags: LandingFlags
  /** What runs of prepare on this machine have settled, newest first. */
  readonly prepared: readonly PreparedLanding[]
  /** For what the source can't be asked. */
  readonly inventory: Inventory | undefined
  readonly sinks: readonly {
    readonly name: string
    look(signal: AbortSignal): Promise<readonly NativeBackup[]>
  }[]
  /** Where journals of earlier runs are. */
  readonly past: readonly {
    readonly name: string
    look(signal: AbortSignal): Promise<readonly MeasuredRun[]>
  }[]
  /** Of the one database, where the operator gave an account. */
  readonly login: Login | undefined
}

export interface Login {
  readonly endpoint: Endpoint | null
  /** Flavour and version of the server that it logged in to. */
  probe(signal: AbortSignal): Promise<string>
}

/** Asks all that ways out depend on, at once, each within its bound. Only reads. Throws only once `signal` is aborted. */
export async function gather(request: GatherRequest, signal: AbortSignal): Promise<Evidence> {
  const { ports, pulse, clock, timeoutMs, inventory } = request
  const { source, target, route53 } = ports
  const bounds = { clock, timeoutMs, questionMs: Math.ceil(timeoutMs / 3) }
  const { ask, plane } = createAsk(bounds, signal)
  const at = clock.now().toISOString()
  const regional = [source.region, target.region]

  const [regions, sinks, past, account, , , , keys] = await Promise.all([
    askRegions(ports, request.databases, ask),
    Promise.all(request.sinks.map((sink) => lookAtSink(sink, ask))),
    Promise.all(
      request.past.map(async ({ name, look }) => ({
        place: name,
        runs: await ask({ service: 'sink', region: name }, look),
      })),
    ),
    accountOf(regional, pulse, ask),
    Promise.all(regional.map((region) => ask({ service: 's3', region }, (inner) => pulse.s3(region, inner)))),
    // A look at one key, which need not be there: any answer shows that the source's keys can be asked for.
    ask({ service: 'kms', region: source.region }, (inner) => source.kms.key('alias/aws/rds', inner)),
    ask({ service: 'route53', region: GLOBAL_REGION }, (inner) => route53.zones(inner)),
    ask({ service: 'kms', region: target.region }, async (inner) =>
      (await target.kms.keys(inner)).map((key) => ({
        ...{ arn: key.arn, aliases: key.aliases },
        wrong: wrongWith(key, key.arn, target.region) ?? null,
      })),
    ),
  ])
  const ids = idsOf(request.databases, regions, inventory, source.region)
  const databases: Answer<Evidence['databases'] extends Answer<infer T> ? T : never> = ids.known
    ? known(
        await Promise.all(
          ids.value.map((id) =>
            gatherDatabase(
              { id, identity: identify(id, regions, inventory, source.region), regions },
              request,
              ask,
            ),
          ),
        ),
        ids.asOf,
      )
    : ids
  return {
    ...{ at, source: source.region, target: target.region, account, keys, sinks, past, databases },
    planes: planesOf(source.region, target.region, plane),
  }
}

function planesOf(
  source: string,
  target: string,
  plane: (service: Service, region: string) => PlaneState,
): readonly PlaneState[] {
  const always = (['rds', 'kms', 's3', 'sts'] as const).flatMap((service) =>
    [source, target].map((region) => plane(service, region)),
  )
  const asked = (['ec2', 'cloudwatch'] as const)
    .flatMap((service) => [source, target].map((region) => plane(service, region)))
    .filter(({ state }) => state !== 'not-asked')
  const iam = plane('iam', GLOBAL_REGION)
  return [
    ...[...always, ...asked, plane('route53', GLOBAL_REGION)],
    ...(iam.state === 'not-asked' ? [] : [iam]),
  ]
}

/** Both are asked, for each to show itself. */
async function accountOf(
  regions: readonly string[],
  pulse: PulsePort,
  ask: ReturnType<typeof createAsk>['ask'],
): Promise<Answer<string>> {
  const [first, second] = await Promise.all(
    regions.map((region) => ask({ service: 'sts', region }, (inner) => pulse.sts(region, inner))),
  )
  const answer = second?.known === true ? second : (first ?? unknown('not-asked', 'no region'))
  return mapAnswer(answer, ({ account }) => account)
}

async function lookAtSink(
  { name, look }: GatherRequest['sinks'][number],
  ask: ReturnType<typeof createAsk>['ask'],
): Promise<SinkSeen> {
  return { sink: name, backups: await ask({ service: 'sink', region: name }, look) }
}

/** Which databases there are: those asked for, or what the source, the inventory or at last the other region tells. */
function idsOf(
  wanted: readonly string[] | undefined,
  { source, across }: RegionAnswers,
  inventory: Inventory | undefined,
  region: string,
): Answer<readonly string[]> {
  if (wanted !== undefined) return known([...new Set(wanted)])
  if (source.known) return known(databaseIds(source.value))
  if (inventory !== undefined && inventory.source === region) {
    return known(databaseIds(sourceOf(inventory)), inventory.ended)
  }
  if (across.length > 0) return known(across)
  const reason = `${region} can not be asked (${source.reason}), and nothing of it is known elsewhere`
  return unknown('not-asked', `${reason}: name a database with --db`)
}

function identify(
  id: string,
  { source }: RegionAnswers,
  inventory: Inventory | undefined,
  region: string,
): Answer<Identity> {
  const seen = source.known ? identityOf(id, source.value) : undefined
  if (seen !== undefined) return known(seen)
  const kept = inventory?.source === region ? identityOf(id, sourceOf(inventory)) : undefined
  if (kept !== undefined && inventory !== undefined) return known(kept, inventory.ended)
  if (!source.known) return source
  return unknown('refused', `${region} has no such instance or cluster${likely(id, source.value)}`)
}

function likely(id: string, seen: Seen): string {
  const other = nearest(id, databaseIds(seen))
  return other === undefined ? '' : ` (did you mean ${other}?)`
}
