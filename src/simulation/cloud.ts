import type { CloudPorts, RegionPorts } from '../runbooks/ports.ts'
import { createCloudWatch } from './cloudwatch.ts'
import { createDatabase } from './database.ts'
import { createEc2 } from './ec2.ts'
import { createIam } from './iam.ts'
import { createKms } from './kms.ts'
import { createNativeRestore } from './native-restore.ts'
import { createRdsBackups } from './rds-backups.ts'
import { createRdsClusters } from './rds-clusters.ts'
import { createRdsGroups } from './rds-groups.ts'
import { createRdsInstances } from './rds-instances.ts'
import { createResolver } from './resolver.ts'
import { createRoute53 } from './route53.ts'
import { createRowCounts } from './row-counts.ts'
import type { World } from './world.ts'

/** The ports of a cloud in memory, as src/aws fills them with a real one. */
export function simulatedPorts(world: World, source: string, target: string): CloudPorts {
  return {
    source: regionPorts(world, source),
    target: regionPorts(world, target),
    route53: createRoute53(world),
    iam: createIam(world, target),
    database: createDatabase(world),
    native: createNativeRestore(world),
    rows: createRowCounts(world),
    resolver: createResolver(world),
  }
}

function regionPorts(world: World, region: string): RegionPorts {
  return {
    region,
    rds: {
      ...createRdsInstances(world, region),
      ...createRdsClusters(world, region),
      ...createRdsBackups(world, region),
      ...createRdsGroups(world, region),
    },
    kms: createKms(world, region),
    ec2: createEc2(world, region),
    cloudwatch: createCloudWatch(world, region),
  }
}
