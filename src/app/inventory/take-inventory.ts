import { version } from '../../config/version.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { CloudPorts } from '../../runbooks/ports.ts'
import type { PreparedLanding } from '../prepared-landings.ts'
import { type Asker, createAsker } from './asker.ts'
import { landingOf } from './landing.ts'
import { asStored, type Inventory } from './record.ts'
import { chosen, type Databases, hostsOf, idsOf } from './related.ts'
import { takeDns } from './take-dns.ts'
import { takeRoles } from './take-roles.ts'
import { takeSource } from './take-source.ts'
import { takeTarget } from './take-target.ts'

export interface InventoryRequest {
  readonly ports: Pick<CloudPorts, 'source' | 'target' | 'route53' | 'iam'>
  /** Whether the other region is looked at too. */
  readonly both: boolean
  /** Ids of instances and clusters; undefined for all. */
  readonly databases: readonly string[] | undefined
  /** What runs of prepare have settled, newest first. */
  readonly prepared?: readonly PreparedLanding[]
  readonly id: string
  readonly job: string
  readonly clock: Clock
  /** For all of it: what is not answered by then is unknown. */
  readonly timeoutMs: number
}

/**
 * Asks the control planes what a rebuild needs. Only reads. What can't be asked is in `unknown`, but for the list of
 * databases: without it there is nothing to write down, and the throw is that of the control plane.
 */
export async function takeInventory(request: InventoryRequest, signal: AbortSignal): Promise<Inventory> {
  const { ports, both, databases, id, job, clock } = request
  const { source, target, route53, iam } = ports
  const asker = createAsker(request, signal)
  const started = clock.now()
  const wanted = await databasesOf(request, asker)
  const [caller, from, to, { roles, gone }] = await Promise.all([
    asker.ask({ what: 'account', service: 'sts' }, (inner) => iam.caller(inner)),
    takeSource(source, wanted, asker),
    both ? takeTarget(target, wanted, asker) : undefined,
    takeRoles(iam, wanted, asker),
  ])
  const regions = to === undefined ? [from] : [from, to]
  const hosts = [
    ...regions.flatMap(hostsOf),
    ...regions.flatMap(({ globalClusters }) => globalClusters.flatMap(({ endpoint }) => endpoint ?? [])),
  ]
  const dns = await takeDns(route53, hosts, asker)
  const account = caller?.account ?? [...from.instances, ...from.clusters][0]?.arn.split(':')[4]
  return asStored({
    ...{ format: 1, id, job, lifeboat: version, source: source.region },
    started: started.toISOString(),
    ended: clock.now().toISOString(),
    ...(account !== undefined && { account }),
    ...(both && { target: target.region }),
    databases: databases ?? null,
    regions,
    ...{ dns, roles },
    landing: landingOf(
      { regions, unknown: asker.unknown },
      { roles, gone, account, prepared: request.prepared ?? [] },
    ),
    unknown: asker.unknown,
  })
}

async function databasesOf(
  { ports: { source }, databases }: InventoryRequest,
  asker: Asker,
): Promise<Databases> {
  const { region, rds } = source
  const [instances, clusters] = await Promise.all([
    asker.ask({ region, what: 'instances', service: 'rds' }, (signal) => rds.instances(signal)),
    asker.ask({ region, what: 'clusters', service: 'rds' }, (signal) => rds.clusters(signal)),
  ])
  if (instances === undefined || clusters === undefined) {
    const { reason, fault } =
      asker.unknown.find(({ what }) => what === 'instances' || what === 'clusters') ?? {}
    throw new LifeboatError('step-failed', `unable to take an inventory of ${region}: ${reason}`, {
      hint: /no usable credentials|expired|InvalidClientToken|UnrecognizedClient/i.test(reason ?? '')
        ? 'Renew the credentials (aws sso login, a new session token), or name a profile that has some with --profile, then run it again.'
        : fault === 'denied'
          ? 'Let this account look (rds:Describe*), then run it again; inventories taken before are as they were.'
          : 'Nothing was written: inventories taken before are as they were, and lifeboat inventory show reads them.',
      details: { fault: fault ?? null, region },
    })
  }
  const all = { instances, clusters }
  if (databases === undefined) return all
  const known = new Set(idsOf(all))
  const missing = databases.filter((id) => !known.has(id))
  if (missing.length > 0) {
    throw new LifeboatError(
      'step-failed',
      `unable to take an inventory of '${missing.join("', '")}': ${region} has no such instance or cluster`,
      { hint: 'Check --db and --source; without --db all databases of the region are taken.' },
    )
  }
  return chosen(all, databases)
}
