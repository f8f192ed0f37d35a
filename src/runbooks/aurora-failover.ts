import type { Runbook, Step, Way } from '../core/runbook.ts'
import {
  type AuroraFailoverFacts,
  type AuroraFailoverOptions,
  gatherAuroraFailover,
} from './aurora-failover-facts.ts'
import { rdsArn } from './aws-cli.ts'
import { fenceCheck } from './fence-check.ts'
import { checkSecondary, lookAtOldSide, type MoveMode, movePrimary } from './global-steps.ts'
import type { CloudPorts } from './ports.ts'
import { protectCluster } from './restore-cluster.ts'
import { accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export const auroraFailover: Way<WayFlags, AuroraFailoverOptions, AuroraFailoverFacts, CloudPorts> = {
  name: 'aurora-failover',
  title: 'make the other region the primary of an Aurora global database',
  deadlineMs: 45 * 60_000,
  page: {
    open: [
      'The cluster is the primary of a global database that has a secondary in the target region, with an instance in it, and the RDS API of the target region answers.',
      'While the primary is well, it is a switchover. While it is not, or its region gives no answer, only a failover can help, and `--accept data-loss` says that it may.',
      'lifeboat never asks for a failover without data loss allowed: AWS would take that for a switchover, which can not end while the primary is impaired.',
    ],
    costs: [
      'Data: nothing by a switchover. By a failover what the secondary had not yet got: mostly seconds; the lag is shown first, and `--max-lag` sets a limit.',
      'Time: mostly a few minutes; writes stand still meanwhile.',
      'Money: nothing beyond the global database itself.',
    ],
  },
  choose: (flags) => ({
    ...needRegions(flags),
    db: needOneDb(flags, 'aurora-failover'),
    maxLagSeconds: flags.maxLagSeconds ?? null,
    backupDays: flags.backupDays ?? null,
    failover: flags.failover ?? false,
    acceptDataLoss: accepted(flags).includes('data-loss'),
    acceptSplitBrain: accepted(flags).includes('split-brain'),
  }),
  gather: gatherAuroraFailover,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', maxLagSeconds: null, backupDays: null },
      ...{ failover: false, acceptDataLoss: true, acceptSplitBrain: false },
    },
    facts: {
      ...{ account: '111122223333', impaired: 'eu-west-1 gives no answer', others: [] },
      global: { id: 'shop-global', arn: 'arn:aws:rds::111122223333:global-cluster:shop-global' },
      primaryArn: 'arn:aws:rds:eu-west-1:111122223333:cluster:shop',
      endpoint: { host: 'shop.cluster-c1sim.eu-west-1.rds.amazonaws.com', port: 3306 },
      secondary: {
        ...{ id: 'shop', arn: 'arn:aws:rds:eu-central-1:111122223333:cluster:shop', backupRetentionDays: 7 },
      },
    },
  },
}

function plan(options: AuroraFailoverOptions, facts: AuroraFailoverFacts): Runbook<CloudPorts> {
  const { source, target, db, acceptDataLoss, acceptSplitBrain } = options
  const { account, global, secondary, endpoint, impaired, others } = facts
  const mode: MoveMode = acceptDataLoss && (options.failover || impaired !== null) ? 'failover' : 'switchover'
  const isFailover = mode === 'failover'
  const steps: Step<CloudPorts>[] = [
    checkSecondary(options, facts, mode),
    // A switchover stops the old primary's writes by itself, and moves none before.
    ...(isFailover ? [fenceCheck(endpoint ?? undefined, acceptSplitBrain, mode, options)] : []),
    movePrimary(options, facts, mode),
    protectCluster({
      ...{ region: target, account, id: secondary.id },
      days: options.backupDays ?? Math.max(secondary.backupRetentionDays, 1),
    }),
    lookAtOldSide(options, facts),
  ]
  return {
    way: 'aurora-failover',
    steps,
    makes: { kind: 'cluster', id: secondary.id, takesWrites: true },
    carries: { through: [], encrypted: null, asOf: null },
    gathers: ['rds:DescribeDBClusters', 'rds:DescribeGlobalClusters', 'rds:ListTagsForResource'],
    warnings: [
      ...(isFailover
        ? [
            `What ${secondary.id} in ${target} has not got yet is lost.`,
            ...(impaired === null ? [] : [`It is a failover, since ${impaired}.`]),
            'AWS keeps writers off the old primary as well as it can, which in an outage may be not at all.',
          ]
        : ['Writes stand still for as long as it takes; connections are cut.']),
      ...(others.length === 0 ? [] : [`The secondaries in ${others.join(', ')} follow the new primary.`]),
      ...(options.failover && !acceptDataLoss
        ? ['--failover without --accept data-loss fails over nothing: this is a switchover.']
        : []),
    ],
    afterwards: [
      `Writes go to ${secondary.id} in ${target}. The writer endpoint of ${global.id} follows; that of the cluster in ${source} does not.`,
      ...(isFailover
        ? [
            `Once ${source} is well, AWS rebuilds ${db} there as a secondary by itself; until then its state is pending-resync.`,
            `What ${db} had taken and not yet sent may survive in a snapshot of ${source} that AWS names rds:unplanned-global-failover-…: look for it before anything there is deleted.`,
            `Should ${db} in ${source} not come back: take it out (aws rds remove-from-global-cluster --region ${target} --global-cluster-identifier ${global.id} --db-cluster-identifier ${rdsArn(source, account, 'cluster', db)}), delete it, and make a new secondary: lifeboat migrate aurora-add-region --source ${target} --target ${source} --db ${secondary.id}`,
          ]
        : [`${db} in ${source} is a secondary now, and follows.`]),
    ],
    rollback: [
      `Before the step '${mode}' nothing has changed.`,
      `Afterwards: once ${db} in ${source} follows (connected), lifeboat migrate aurora-failover --source ${target} --target ${source} --db ${secondary.id} --confirm`,
      ...(isFailover
        ? [
            `If the failover itself ends in nothing: aws rds remove-from-global-cluster --region ${target} --global-cluster-identifier ${global.id} --db-cluster-identifier ${secondary.arn} makes ${secondary.id} stand by itself and take writes.`,
          ]
        : []),
    ],
  }
}
