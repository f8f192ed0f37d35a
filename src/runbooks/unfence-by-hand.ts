import { RUN_TAG } from '../core/runbook.ts'
import { lookUp } from './fence-facts.ts'
import { backLine, FENCED_FROM, groupsOfTag } from './fence-network.ts'
import type { SecurityGroup } from './ports/ec2.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

export interface LostFence {
  /** The run that fenced, if what it left says so. */
  readonly run: string | null
  /** Sentences, and lines to type. */
  readonly lines: readonly string[]
}

/**
 * For whoever has lost the journal of a fence: what stands there now, and what would lift each of it. Nobody can tell which
 * accounts were locked by whom, so that nothing is lifted here.
 */
export async function unfenceByHand(
  {
    source: region,
    db,
    from,
  }: { readonly source: string; readonly db: string; readonly from: Endpoint | null },
  { source, database }: Pick<CloudPorts, 'source' | 'database'>,
  signal: AbortSignal,
): Promise<LostFence> {
  const found = await lookUp('unfence', db, source, from !== null, signal)
  const endpoint = from ?? found?.endpoint
  const network = found?.network ?? null
  const groups = network === null ? [] : await source.ec2.securityGroups(network.securityGroups, signal)
  const closed = groups.find(({ tags }) => tags[FENCED_FROM] !== undefined)
  const plan = endpoint === undefined ? undefined : await database.planUnfence(endpoint, signal)
  return {
    run: closed?.tags[RUN_TAG] ?? null,
    lines: [
      ...networkLines(region, db, network, closed),
      ...(plan === undefined
        ? [
            `Nobody could log in at ${endpoint === undefined ? db : `${endpoint.host}:${endpoint.port}`} to see what is locked there: give an account with --login, once its security groups let this machine in.`,
          ]
        : plan.standing.length === 0
          ? ['By SQL nothing is locked there.']
          : [
              'Locked there now, by whomever: type only what lifts what the fence has locked.',
              ...plan.standing,
            ]),
    ],
  }
}

function networkLines(
  region: string,
  db: string,
  network: Parameters<typeof backLine>[1] | null,
  closed: SecurityGroup | undefined,
): string[] {
  if (network === null) return [`${region} does not say what security groups ${db} is behind.`]
  if (closed === undefined)
    return [`${db} is behind ${network.securityGroups.join(' ')}, and none of them is of a fence.`]
  const own = groupsOfTag(closed.tags[FENCED_FROM] ?? '')
  return [
    `${db} is behind ${closed.id} (${closed.name}). Back to its own groups: ${backLine({ source: region, db }, { ...network, securityGroups: own })}`,
  ]
}
