import { aws } from './aws-cli.ts'
import type { CutoverOptions } from './cutover-options.ts'
import { type FailoverPlan, switchLine } from './failover-records.ts'
import { dnsRegion, type RecordChange } from './record-change.ts'

/** Where the API of routing controls is made, whatever they switch. */
const ARC_REGION = 'us-west-2'

/** What a pair of failover records takes on the day. */
export function pairLines({ target, from, to }: FailoverPlan): string[] {
  return [
    `On the day, without Route 53's control plane, this sends clients to ${to.host} within about two minutes and the TTL: ${switchLine({ target, from }, 1)}`,
    `And back: ${switchLine({ target, from }, 0)}. Between the two it stays as it was said last.`,
    `A cutover with its checks does the same for good: lifeboat cutover run; say 0 after it, since both records are the new one then.`,
  ]
}

/** What makes a switch possible on the day when Route 53 takes no changes, for a quiet day. */
export function forDeadDns(options: CutoverOptions, changes: readonly RecordChange[]): string[] {
  const { source, target, from, failoverRecords } = options
  const zones = [...new Map(changes.map((change) => [change.zoneId, change])).values()]
  const open = zones.filter((zone) => !zone.private)
  const at = dnsRegion(target)
  return [
    ...(failoverRecords
      ? []
      : [
          `For a day on which Route 53 takes no changes: lifeboat cutover prepare --source ${source} --target ${target} --from ${from.host}:${from.port} --to NEW:PORT --failover-records`,
        ]),
    ...open.map(
      ({ zoneId, zoneName }) =>
        `Public zone ${zoneName} takes changes without us-east-1 after about an hour, if this was typed beforehand: ${aws(at, 'route53', 'update-hosted-zone-features', { 'hosted-zone-id': zoneId, 'enable-accelerated-recovery': true }).argv.join(' ')}`,
    ),
  ]
}

/** For the day on which Route 53's control plane is dead: what switches without it, if it is there. */
export function unpreparedDns(options: Pick<CutoverOptions, 'target' | 'from'> | undefined): string[] {
  return [
    'Route 53 goes on answering with what it has; only changes need its control plane, which is in us-east-1 whatever region your zones serve.',
    ...(options === undefined
      ? []
      : [
          `If lifeboat cutover prepare --failover-records was run beforehand, this switches now, by CloudWatch of ${options.target} alone: ${switchLine(options, 1)}`,
        ]),
    'Failover records of your own (PRIMARY and SECONDARY, with a health check on an alarm or on a port of yours) switch with no change of a record: make their check fail.',
    `Routing controls of Application Recovery Controller switch from five regions: aws route53-recovery-cluster update-routing-control-state --region ${ARC_REGION} --endpoint-url ENDPOINT-OF-THE-CLUSTER --routing-control-arn CONTROL --routing-control-state Off`,
    'Public zones with accelerated recovery take changes again within about an hour; private zones have no such thing.',
    'With none of these there beforehand: give clients the new endpoint itself, by configuration, /etc/hosts, or a record in a DNS server of your own.',
  ]
}
