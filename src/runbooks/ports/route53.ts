export interface HostedZone {
  readonly id: string
  /** Without a dot at its end. */
  readonly name: string
  readonly private: boolean
  readonly vpcs: readonly { readonly id: string; readonly region: string }[]
}

export interface DnsRecord {
  /** Without a dot at its end; `*` and other octets as Route 53 writes them. */
  readonly name: string
  readonly type: string
  readonly ttlSeconds?: number
  readonly values: readonly string[]
  /** Of a weighted, failover or latency record. */
  readonly setIdentifier?: string
  readonly routing?: Readonly<Record<string, string | number>>
  readonly healthCheckId?: string
  readonly alias?: { readonly zoneId: string; readonly host: string; readonly evaluateHealth: boolean }
}

export interface DnsChange {
  /** `delete` needs the record exactly as it is: with a `create` in the same batch it guards a replacement. */
  readonly action: 'create' | 'delete' | 'upsert'
  readonly record: DnsRecord
}

/** An alarm of CloudWatch, by whose metric a health check goes. */
export interface WatchedAlarm {
  readonly region: string
  readonly name: string
}

/** Route 53 has no region: its control plane is in us-east-1, whatever the others do. */
export interface Route53Port {
  zones(signal: AbortSignal): Promise<readonly HostedZone[]>
  records(zoneId: string, signal: AbortSignal): Promise<readonly DnsRecord[]>
  /** All of the changes or none. `invalid` where a record to delete is not as given. */
  change(
    zoneId: string,
    changes: readonly DnsChange[],
    comment: string,
    signal: AbortSignal,
  ): Promise<{ readonly changeId: string }>
  healthChecks(
    signal: AbortSignal,
  ): Promise<readonly { readonly id: string; readonly alarm?: WatchedAlarm }[]>
  /** It is healthy until the metric says otherwise, and stays as it was while there is no data. `reference` is taken once. */
  createHealthCheck(
    input: { readonly reference: string; readonly alarm: WatchedAlarm },
    signal: AbortSignal,
  ): Promise<{ readonly id: string }>
  changeStatus(changeId: string, signal: AbortSignal): Promise<'pending' | 'insync'>
}
