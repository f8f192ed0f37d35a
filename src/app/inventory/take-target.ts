import type { RegionPorts } from '../../runbooks/ports.ts'
import type { Asker } from './asker.ts'
import type { RegionInventory, Section } from './record.ts'
import { arnsOf, type Databases, idsOf, relatives } from './related.ts'
import { alarmsOf, serviceOf, snapshotsOf } from './take-source.ts'

/** What of the databases is across already, and all that is there to take them in. */
export async function takeTarget(
  ports: RegionPorts,
  source: Databases,
  asker: Asker,
): Promise<RegionInventory> {
  const { region, rds, ec2, kms, cloudwatch } = ports
  const all = async <T>(
    what: Section,
    look: (signal: AbortSignal) => Promise<readonly T[]>,
  ): Promise<readonly T[]> => (await asker.ask({ region, what, service: serviceOf(what) }, look)) ?? []
  const arns = new Set(arnsOf(source))
  const [instances, clusters, globalClusters, backups] = await Promise.all([
    all('instances', (signal) => rds.instances(signal)),
    all('clusters', (signal) => rds.clusters(signal)),
    all('globalClusters', (signal) => rds.globalClusters(signal)),
    all('replicatedBackups', (signal) => rds.replicatedBackups(signal)),
  ])
  const there = relatives({ instances, clusters }, source)
  const [snapshots, subnetGroups, vpcs, subnets, securityGroups, instanceParameterGroups] = await Promise.all(
    [
      snapshotsOf(ports, source, asker),
      all('subnetGroups', (signal) => rds.subnetGroups(signal)),
      all('vpcs', (signal) => ec2.vpcs(signal)),
      all('subnets', (signal) => ec2.subnets(undefined, signal)),
      all('securityGroups', (signal) => ec2.securityGroups(undefined, signal)),
      all('instanceParameterGroups', (signal) => rds.parameterGroups('instance', signal)),
    ],
  )
  const [clusterParameterGroups, optionGroups, keys, alarms] = await Promise.all([
    all('clusterParameterGroups', (signal) => rds.parameterGroups('cluster', signal)),
    all('optionGroups', (signal) => rds.optionGroups(signal)),
    all('keys', (signal) => kms.keys(signal)),
    all('alarms', (signal) => cloudwatch.alarms(signal)),
  ])
  return {
    ...{ region, ...there, snapshots, subnetGroups, vpcs, subnets, securityGroups },
    ...{ instanceParameterGroups, clusterParameterGroups, optionGroups, keys },
    globalClusters: globalClusters.filter(({ members }) =>
      members.some(({ clusterArn }) => arns.has(clusterArn)),
    ),
    replicatedBackups: backups.filter(({ instanceArn }) => arns.has(instanceArn)),
    alarms: alarmsOf(alarms, new Set(idsOf(there))),
  }
}
