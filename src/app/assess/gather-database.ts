import type { DatabaseLook } from '../../runbooks/ports/database.ts'
import type { RdsInstance } from '../../runbooks/ports/rds.ts'
import type { Snapshot, SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import type { RegionPorts } from '../../runbooks/ports.ts'
import { type Answer, known, mapAnswer, unknown } from './answer.ts'
import type { Ask } from './ask.ts'
import type { DatabaseEvidence, GlobalState, Identity, Replica, SnapshotSeen } from './evidence.ts'
import type { GatherRequest } from './gather.ts'
import { gatherLanding } from './gather-landing.ts'
import { idIn, type RegionAnswers } from './gather-regions.ts'

export interface DatabaseSubject {
  readonly id: string
  readonly identity: Answer<Identity>
  readonly regions: RegionAnswers
}

export async function gatherDatabase(
  subject: DatabaseSubject,
  request: GatherRequest,
  ask: Ask,
): Promise<DatabaseEvidence> {
  const { id, identity, regions } = subject
  const { source, target } = request.ports
  const snapshotsAcross = mapAnswer(regions.targetSnapshots, (all) =>
    snapshotsOf(all, subject, source.region),
  )
  const [look, login, replicas, global, landing] = await Promise.all([
    lookAt(subject, request, ask),
    logIn(subject, request, ask),
    replicasOf(subject, source.region, target, ask),
    globalOf(subject, source.region, target, ask),
    gatherLanding(subject, snapshotsAcross, request, ask),
  ])
  return {
    ...{ id, identity, look, login, replicas, global, landing, snapshotsAcross },
    backupsAcross: mapAnswer(regions.backups, (all) =>
      all
        .filter(({ instanceArn }) => idIn(instanceArn, source.region).includes(id))
        .map((backup) => ({
          ...{ arn: backup.arn, status: backup.status, gib: backup.gib },
          ...{ engine: backup.engine, engineVersion: backup.engineVersion },
          earliest: backup.earliest?.toISOString() ?? null,
          latest: backup.latest?.toISOString() ?? null,
          kmsKeyArn: backup.kmsKeyArn ?? null,
        })),
    ),
    sourceSnapshots: mapAnswer(regions.sourceSnapshots, (all) =>
      all.filter((each) => each.sourceId === id && isOfKind(each.kind, identity)).map(seen),
    ),
  }
}

/** The database itself, whatever its control plane says. */
async function lookAt(
  { id, identity }: DatabaseSubject,
  { ports, login }: GatherRequest,
  ask: Ask,
): Promise<Answer<DatabaseLook>> {
  const endpoint = login?.endpoint ?? (identity.known ? identity.value.endpoint : null)
  if (endpoint === null) {
    return unknown('not-asked', identity.known ? 'it has no endpoint' : 'its endpoint is not known')
  }
  return ask({ service: 'database', region: id }, (signal) => ports.database.look(endpoint, false, signal))
}

async function logIn({ id }: DatabaseSubject, { login }: GatherRequest, ask: Ask): Promise<Answer<string>> {
  if (login === undefined) return unknown('not-asked', 'no account was given')
  return ask({ service: 'database', region: `${id} by its account` }, (signal) => login.probe(signal))
}

async function replicasOf(
  { id, identity, regions }: DatabaseSubject,
  source: string,
  { region, cloudwatch }: RegionPorts,
  ask: Ask,
): Promise<Answer<readonly Replica[]>> {
  if (!regions.target.known) return regions.target
  const own = regions.source.known ? regions.source.value.instances.find((each) => each.id === id) : undefined
  if (identity.known && identity.value.kind === 'cluster') return known([])
  const found = regions.target.value.instances.filter(
    ({ arn, replicaOf }) => idIn(replicaOf, source).includes(id) || own?.replicas.includes(arn),
  )
  return known(
    await Promise.all(
      found.map(async (replica) => ({
        ...{ id: replica.id, status: replica.status, error: replica.replicationError ?? null },
        lagSeconds: await ask({ service: 'cloudwatch', region }, async (signal) =>
          measured(await cloudwatch.latest(replicaLag(replica), signal)),
        ),
      })),
    ),
  )
}

function replicaLag({ id }: RdsInstance) {
  return { namespace: 'AWS/RDS', metric: 'ReplicaLag', dimensions: { DBInstanceIdentifier: id } }
}

/** RDS says -1 where it can't tell. */
function measured(point: { readonly value: number } | undefined): number | null {
  return point === undefined || point.value < 0 ? null : point.value
}

async function globalOf(
  { id, identity, regions }: DatabaseSubject,
  source: string,
  { region, cloudwatch }: RegionPorts,
  ask: Ask,
): Promise<Answer<GlobalState | null>> {
  if (identity.known && identity.value.kind === 'instance') return known(null)
  if (!regions.globals.known) return regions.globals
  const global = regions.globals.value.find(({ members }) =>
    members.some(({ clusterArn }) => idIn(clusterArn, source).includes(id)),
  )
  if (global === undefined) return known(null)
  const { members, engineVersion, status } = global
  const member = members.find((each) => each.region === region)
  const cluster = regions.target.known
    ? regions.target.value.clusters.find(({ arn }) => arn === member?.clusterArn)
    : undefined
  const [here] = idIn(member?.clusterArn, region)
  return known({
    ...{ id: global.id, status, engineVersion, failover: global.failover?.status ?? null },
    secondaries: members.filter(({ writer }) => !writer).length,
    writerRegion: members.find(({ writer }) => writer)?.region ?? null,
    member:
      member === undefined || here === undefined
        ? null
        : {
            ...{ arn: member.clusterArn, writer: member.writer },
            synchronization: member.synchronization ?? null,
            status: cluster?.status ?? null,
            instances: cluster?.members.length ?? null,
            lagMs: await ask({ service: 'cloudwatch', region }, async (signal) =>
              measured(
                await cloudwatch.latest(
                  {
                    ...{ namespace: 'AWS/RDS', metric: 'AuroraGlobalDBReplicationLag' },
                    dimensions: { DBClusterIdentifier: here },
                  },
                  signal,
                ),
              ),
            ),
          },
  })
}

/** Copies keep the name of their source. One of a database of this region that has the same name is none of them. */
function snapshotsOf(
  all: readonly Snapshot[],
  { id, identity, regions }: DatabaseSubject,
  source: string,
): readonly SnapshotSeen[] {
  const there = regions.target.known
    ? [...regions.target.value.instances, ...regions.target.value.clusters].find((each) => each.id === id)
    : undefined
  const belongs =
    there === undefined ||
    idIn(there.replicaOf, source).includes(id) ||
    ('globalClusterId' in there && there.globalClusterId !== undefined)
  return all
    .filter(({ kind, sourceId }) => sourceId === id && isOfKind(kind, identity))
    .filter(({ copyOfArn }) => (copyOfArn === undefined ? belongs : copyOfArn.split(':')[3] === source))
    .map(seen)
}

function isOfKind(kind: SnapshotKind, identity: Answer<Identity>): boolean {
  return !identity.known || identity.value.kind === kind
}

function seen(snapshot: Snapshot): SnapshotSeen {
  const { kind, id, arn, status, engine, engineVersion, gib, encrypted } = snapshot
  return {
    ...{ kind, id, arn, status, engine, engineVersion, gib, encrypted },
    percent: snapshot.percent ?? null,
    created: snapshot.created?.toISOString() ?? null,
    kmsKeyArn: snapshot.kmsKeyArn ?? null,
  }
}
