import type { CloudWatchPort } from '../runbooks/ports/cloudwatch.ts'
import type { World } from './world.ts'

export function createCloudWatch(world: World, region: string): CloudWatchPort {
  const state = world.region(region)
  return {
    latest: ({ metric, dimensions }, signal) =>
      world.call('cloudwatch:GetMetricStatistics', region, 'read', signal, () => {
        const id = dimensions.DBInstanceIdentifier ?? dimensions.DBClusterIdentifier ?? ''
        const value = state.metrics.get(`${metric}/${id}`)
        return value === undefined ? undefined : { value, at: world.time.clock.now() }
      }),
    alarms: (signal) => world.call('cloudwatch:DescribeAlarms', region, 'read', signal, () => state.alarms),
    putAlarm: ({ name, metric, dimensions, ...definition }, signal) =>
      world.call('cloudwatch:PutMetricAlarm', region, 'change', signal, () => {
        const arn = `arn:aws:cloudwatch:${region}:${world.account}:alarm:${name}`
        const others = state.alarms.filter((each) => each.name !== name)
        const alarm = { name, arn, metric, dimensions, state: 'INSUFFICIENT_DATA', definition }
        state.alarms.splice(0, state.alarms.length, ...others, alarm)
      }),
  }
}
