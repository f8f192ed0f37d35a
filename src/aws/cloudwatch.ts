import {
  CloudWatchClient,
  type CompositeAlarm,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  type MetricAlarm,
  PutMetricAlarmCommand,
} from '@aws-sdk/client-cloudwatch'
import type { Clock } from '../core/clock.ts'
import type { Alarm, CloudWatchPort } from '../runbooks/ports/cloudwatch.ts'
import { given, known } from './answer.ts'
import { type Api, type ApiSettings, createApi } from './api.ts'
import { allPages } from './pages.ts'

const WINDOW_MS = 15 * 60_000
const PERIOD_SECONDS = 60

export function openCloudWatch(
  settings: ApiSettings,
  clock: Clock,
): { readonly port: CloudWatchPort; readonly api: Api<CloudWatchClient> } {
  const api = createApi(settings, (client) => new CloudWatchClient(client))
  return { port: createCloudWatch(api, clock), api }
}

function createCloudWatch(api: Api<CloudWatchClient>, clock: Clock): CloudWatchPort {
  return {
    async latest({ namespace, metric, dimensions }, signal) {
      const deed = { operation: 'cloudwatch:GetMetricStatistics', to: `read metric '${metric}'` }
      const now = clock.now()
      const command = new GetMetricStatisticsCommand({
        Namespace: namespace,
        MetricName: metric,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(now.getTime() - WINDOW_MS),
        EndTime: now,
        Period: PERIOD_SECONDS,
        Statistics: ['Average'],
      })
      const { Datapoints = [] } = await api.call(deed, signal, (client, at) => client.send(command, at))
      // They come in no order.
      return Datapoints.flatMap(({ Average: value, Timestamp: at }) =>
        value === undefined || at === undefined ? [] : [{ value, at }],
      ).reduce<{ value: number; at: Date } | undefined>(
        (newest, one) => (newest === undefined || one.at > newest.at ? one : newest),
        undefined,
      )
    },

    async alarms(signal) {
      const deed = { operation: 'cloudwatch:DescribeAlarms', to: `list the alarms of ${api.region}` }
      return await api.call(deed, signal, (client, at) =>
        allPages(async (NextToken) => {
          const page = await client.send(
            new DescribeAlarmsCommand({
              AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
              NextToken,
              MaxRecords: 100,
            }),
            at,
          )
          const items = [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])].map(alarmOf)
          return { items, next: page.NextToken }
        }),
      )
    },

    async putAlarm({ name, description, namespace, metric, dimensions, atLeast }, signal) {
      const deed = { operation: 'cloudwatch:PutMetricAlarm', to: `create alarm '${name}'` }
      const command = new PutMetricAlarmCommand({
        AlarmName: name,
        AlarmDescription: description,
        Namespace: namespace,
        MetricName: metric,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        Statistic: 'Maximum',
        Period: PERIOD_SECONDS,
        EvaluationPeriods: 1,
        Threshold: atLeast,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      })
      await api.call(deed, signal, (client, at) => client.send(command, at))
    },
  }
}

/** What changes by itself, or is not for PutMetricAlarm and PutCompositeAlarm to take. */
const NOT_DEFINING =
  /^(AlarmArn|State.*|AlarmConfigurationUpdatedTimestamp|EvaluationState|ActionsSuppressed(By|Reason))$/

function alarmOf(from: MetricAlarm & CompositeAlarm): Alarm {
  const definition = Object.entries(from).filter(
    ([name, value]) => value !== undefined && !NOT_DEFINING.test(name),
  )
  return {
    name: given(from.AlarmName, 'AlarmName'),
    arn: given(from.AlarmArn, 'AlarmArn'),
    dimensions: Object.fromEntries((from.Dimensions ?? []).map(({ Name = '', Value = '' }) => [Name, Value])),
    state: from.StateValue ?? 'INSUFFICIENT_DATA',
    definition: Object.fromEntries(definition),
    ...known({ metric: from.MetricName }),
  }
}
