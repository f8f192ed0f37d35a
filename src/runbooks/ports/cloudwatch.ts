export interface MetricName {
  /** `AWS/RDS` */
  readonly namespace: string
  /** `ReplicaLag` (seconds), `AuroraGlobalDBReplicationLag` (milliseconds), `FreeStorageSpace` … */
  readonly metric: string
  readonly dimensions: Readonly<Record<string, string>>
}

export interface Alarm {
  readonly name: string
  readonly arn: string
  readonly metric?: string
  readonly dimensions: Readonly<Record<string, string>>
  /** `OK`, `ALARM`, `INSUFFICIENT_DATA` */
  readonly state: string
  /** All that a rebuild needs, as CloudWatch has it. */
  readonly definition: Readonly<Record<string, unknown>>
}

export interface NewAlarm extends MetricName {
  readonly name: string
  readonly description: string
  /** It goes off once the highest value of a minute is so much. Without data it is in no state. */
  readonly atLeast: number
}

export interface CloudWatchPort {
  /** The newest average of a minute within the last 15; undefined where there is none. */
  latest(
    name: MetricName,
    signal: AbortSignal,
  ): Promise<{ readonly value: number; readonly at: Date } | undefined>
  alarms(signal: AbortSignal): Promise<readonly Alarm[]>
  /** One of that name is overwritten. */
  putAlarm(alarm: NewAlarm, signal: AbortSignal): Promise<void>
}
