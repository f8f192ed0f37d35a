import { nameOf, type Observation, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, partitionOf } from './aws-cli.ts'
import type { CutoverOptions } from './cutover-options.ts'
import type { NewAlarm } from './ports/cloudwatch.ts'
import type { Endpoint } from './ports/rds.ts'
import type { DnsRecord } from './ports/route53.ts'
import type { CloudPorts } from './ports.ts'
import { dnsRegion, type RecordChange, recordSet, replaceRecords } from './record-change.ts'

/**
 * A pair of failover records switches with no change of a record, where the health check of its first one fails. This one goes
 * by a metric that nobody writes but the operator, in the region that is gone to: it neither switches by itself, nor needs
 * Route 53's control plane, nor a way from its checkers to a private address.
 */
export interface FailoverPlan {
  readonly target: string
  readonly from: Endpoint
  readonly to: Endpoint
}

export function failoverPlan({
  target,
  from,
  to,
  failoverRecords,
}: CutoverOptions): FailoverPlan | undefined {
  return failoverRecords && to !== null ? { target, from, to } : undefined
}

const NAMESPACE = 'lifeboat'
const METRIC = 'cutover'

/** The same for each run, and for whoever has to type it on the day. */
export function alarmOf({ from }: Pick<FailoverPlan, 'from'>): NewAlarm {
  return {
    name: `lifeboat-cutover-${from.host}`,
    description: `1 sends clients of ${from.host} to the other database, by failover records`,
    ...{ namespace: NAMESPACE, metric: METRIC, dimensions: { from: from.host }, atLeast: 1 },
  }
}

/** What switches on the day, and back: CloudWatch of the target region, and Route 53's answers, are all that it needs. */
export function switchLine({ target, from }: Pick<FailoverPlan, 'target' | 'from'>, value: 0 | 1): string {
  const options = { namespace: NAMESPACE, 'metric-name': METRIC, dimensions: `from=${from.host}`, value }
  return aws(target, 'cloudwatch', 'put-metric-data', options).argv.join(' ')
}

export function failoverAlarm(plan: FailoverPlan): Step<CloudPorts> {
  const { target } = plan
  const alarm = alarmOf(plan)
  const { name, description, namespace, metric, dimensions, atLeast } = alarm
  return {
    id: 'failover-alarm',
    title: `create alarm ${name} on a metric that nobody writes but you`,
    effect: 'create',
    usualMs: 5_000,
    command: () => [
      aws(target, 'cloudwatch', 'put-metric-alarm', {
        ...{ 'alarm-name': name, 'alarm-description': description, namespace, 'metric-name': metric },
        dimensions: Object.entries(dimensions).map(([Name, Value]) => `Name=${Name},Value=${Value}`),
        ...{ statistic: 'Maximum', period: 60, 'evaluation-periods': 1, threshold: atLeast },
        'comparison-operator': 'GreaterThanOrEqualToThreshold',
      }),
    ],
    check: () =>
      awsCheck(
        ...([target, 'cloudwatch', 'describe-alarms', { 'alarm-names': name }] as const),
        ...(['MetricAlarms[].MetricName', metric] as const),
      ),
    permissions: () => [
      mayLook('cloudwatch:DescribeAlarms'),
      {
        actions: ['cloudwatch:PutMetricAlarm'],
        resources: [`arn:${partitionOf(target)}:cloudwatch:${target}:*:alarm:${name}`],
      },
    ],
    async observe({ target: { cloudwatch } }, signal): Promise<Observation> {
      const there = (await cloudwatch.alarms(signal)).find((each) => each.name === name)
      if (there === undefined) return { state: 'todo' }
      if (there.state === 'ALARM')
        return {
          ...{ state: 'blocked', reason: `${name} is in alarm: a pair would send clients away at once` },
          hint: `Say 0 first, and wait for two minutes: ${switchLine(plan, 0)}`,
        }
      if (there.metric === metric && there.dimensions.from === dimensions.from)
        return { state: 'done', seen: { alarm: name } }
      return {
        ...{ state: 'blocked', reason: `alarm ${name} is on another metric (${there.metric ?? 'none'})` },
        hint: 'Somebody else has made it: remove or rename it.',
      }
    },
    apply: ({ target: { cloudwatch } }, signal) => cloudwatch.putAlarm(alarm, signal),
  }
}

export function failoverCheck(plan: FailoverPlan, run: RunName): Step<CloudPorts> {
  const at = dnsRegion(plan.target)
  const { name } = alarmOf(plan)
  const reference = nameOf(run, 'cutover')
  const config = {
    Type: 'CLOUDWATCH_METRIC',
    AlarmIdentifier: { Region: plan.target, Name: name },
    InsufficientDataHealthStatus: 'LastKnownStatus',
  }
  return {
    id: 'failover-check',
    title: `create a health check that fails while ${name} is in alarm`,
    effect: 'create',
    usualMs: 5_000,
    command: () => [
      {
        ...aws(at, 'route53', 'create-health-check', {
          ...{ 'caller-reference': reference, 'health-check-config': JSON.stringify(config) },
          ...{ query: 'HealthCheck.Id', output: 'text' },
        }),
        assign: 'CHECK',
      },
    ],
    check: () =>
      awsCheck(
        ...([at, 'route53', 'list-health-checks', {}] as const),
        `HealthChecks[?HealthCheckConfig.AlarmIdentifier.Name=='${name}'].HealthCheckConfig.Type`,
        config.Type,
      ),
    permissions: () => [mayLook('route53:ListHealthChecks', 'route53:CreateHealthCheck')],
    async observe({ route53 }, signal): Promise<Observation> {
      const id = await checkOf(plan, route53, signal)
      return id === undefined ? { state: 'todo' } : { state: 'done', seen: { healthCheck: id } }
    },
    apply: async ({ route53 }, signal) => {
      await route53.createHealthCheck({ reference, alarm: { region: plan.target, name } }, signal)
    },
  }
}

async function checkOf(
  { target, from }: FailoverPlan,
  route53: CloudPorts['route53'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name } = alarmOf({ from })
  const checks = await route53.healthChecks(signal)
  return checks.find(({ alarm }) => alarm?.name === name && alarm.region === target)?.id
}

/** A plain record becomes two, of which the first is answered as before. */
export function failoverPair(
  plan: FailoverPlan,
  change: RecordChange,
  { id, run }: { readonly id: string; readonly run: RunName },
): Step<CloudPorts> {
  const { zoneId, before } = change
  const at = dnsRegion(plan.target)
  const comment = `lifeboat:run ${run.id}`
  return replaceRecords({
    id,
    title: `make ${before.name} a pair of failover records: ${plan.from.host}, and ${plan.to.host} while the check fails`,
    effect: 'create',
    change,
    region: plan.target,
    comment,
    deletes: [before],
    async creates({ route53 }, signal) {
      const check = await checkOf(plan, route53, signal)
      return check === undefined ? undefined : pairOf(plan, change, check)
    },
    command: () => {
      const batch = {
        Comment: comment,
        Changes: [
          { Action: 'DELETE', ResourceRecordSet: recordSet(before) },
          ...pairOf(plan, change, PLACE).map((record) => ({
            ...{ Action: 'CREATE', ResourceRecordSet: recordSet(record) },
          })),
        ],
      }
      return [
        { argv: ['printf', formatOf(JSON.stringify(batch)), '$CHECK'], assign: 'BATCH' },
        {
          ...aws(at, 'route53', 'change-resource-record-sets', {
            ...{ 'hosted-zone-id': zoneId, 'change-batch': '$BATCH' },
            ...{ query: 'ChangeInfo.Id', output: 'text' },
          }),
          assign: 'CHANGE',
        },
        {
          argv: ['aws', 'route53', 'wait', 'resource-record-sets-changed', '--region', at, '--id', '$CHANGE'],
        },
      ]
    },
    check: () =>
      awsCheck(
        ...([at, 'route53', 'list-resource-record-sets', { 'hosted-zone-id': zoneId }] as const),
        `ResourceRecordSets[?Name=='${before.name}.' && Type=='${before.type}'] | sort_by(@, &Failover)[].[Failover,ResourceRecords[0].Value][]`,
        `PRIMARY ${plan.from.host} SECONDARY ${plan.to.host}`,
      ),
  })
}

/** Stands for the id of the health check, which only the line before prints. */
const PLACE = 'ID-OF-THE-HEALTH-CHECK'

/** As printf takes it: a wildcard's name has a backslash. */
function formatOf(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('%', '%%').replaceAll(PLACE, '%s')
}

function pairOf({ to }: FailoverPlan, { before, after }: RecordChange, check: string): DnsRecord[] {
  const pair = (role: 'PRIMARY' | 'SECONDARY') => ({
    ...after,
    setIdentifier: role.toLowerCase(),
    routing: { Failover: role },
  })
  return [
    { ...pair('PRIMARY'), values: before.values, healthCheckId: check },
    { ...pair('SECONDARY'), values: [to.host] },
  ]
}
