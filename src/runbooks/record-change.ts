import type { CliLine, Observation, Permission, StatusCheck, Step, StepEffect } from '../core/runbook.ts'
import { aws, awsCheck, partitionOf } from './aws-cli.ts'
import type { DnsRecord } from './ports/route53.ts'
import { unfoldRouting } from './ports/route53-routing.ts'
import type { CloudPorts } from './ports.ts'

/** A record, as it was and as it is to be. Plain JSON: the journal keeps it, and the way back is read from there. */
export interface RecordChange {
  readonly zoneId: string
  readonly zoneName: string
  readonly private: boolean
  readonly before: DnsRecord
  readonly after: DnsRecord
  /** Others of its name that change with it, in one batch: Route 53 sets the TTL of all weighted records to the last one given. */
  readonly also?: readonly Pick<RecordChange, 'before' | 'after'>[]
}

interface ChangeOptions {
  readonly id: string
  readonly title: string
  readonly effect: StepEffect
  readonly change: RecordChange
  readonly region: string
  readonly comment: string
}

interface ReplaceOptions extends ChangeOptions {
  readonly deletes: readonly DnsRecord[]
  /** Undefined where something that they need is gone. */
  creates(ports: CloudPorts, signal: AbortSignal): Promise<readonly DnsRecord[] | undefined>
  command(): readonly CliLine[]
  check(): StatusCheck
}

export function changeRecord(options: ChangeOptions): Step<CloudPorts> {
  const { change, region, comment } = options
  const all = [change, ...(change.also ?? [])]
  const deletes = all.map(({ before }) => before)
  const creates = all.map(({ after }) => after)
  return replaceRecords({
    ...options,
    deletes,
    creates: () => Promise.resolve(creates),
    command: () => commandLines(change.zoneId, { deletes, creates }, region, comment),
    check: () => recordCheck(change, region),
  })
}

/**
 * Replaces records only if they are exactly as they were: a deletion names all of a record, and a batch is carried out whole or
 * not at all. A bare UPSERT would overwrite what somebody else has put there meanwhile.
 */
export function replaceRecords({
  id,
  title,
  effect,
  change,
  region,
  comment,
  deletes,
  creates,
  command,
  check,
}: ReplaceOptions): Step<CloudPorts> {
  const { zoneId, before, after } = change
  // Known only to the process that asked: who comes after a crash goes by the record and by what resolvers answer.
  let changeId: string | undefined
  return {
    ...{ id, title, effect, usualMs: 60_000 },
    ...{ command, check },
    permissions: () => permissionsOf(change, region),
    async observe(ports, signal): Promise<Observation> {
      const { route53 } = ports
      const records = await route53.records(zoneId, signal)
      const at = (record: DnsRecord) => records.find((each) => isSameName(each, record))
      const wanted = await creates(ports, signal)
      if (wanted === undefined)
        return {
          state: 'blocked',
          reason: 'the health check is gone',
          hint: 'Start a new run, which makes one.',
        }
      if (wanted.every((record) => isSameRecord(at(record), record))) {
        const seen = { before: shownRecord(before), after: shownRecord(after) }
        if (changeId === undefined) return { state: 'done', seen }
        if ((await route53.changeStatus(changeId, signal)) === 'pending')
          return { state: 'running', reason: `change ${changeId} is PENDING` }
        return { state: 'done', reason: 'INSYNC', seen: { ...seen, change: changeId } }
      }
      const known = deletes.find((record) => !isSameRecord(at(record), record))
      if (known === undefined) return { state: 'todo' }
      const found = at(known)
      return {
        state: 'blocked',
        reason: `it is neither as it was (${shownRecord(known)}) nor as it is to be, but ${found === undefined ? 'gone' : shownRecord(found)}`,
        hint: 'Somebody else has changed it: find out who, and start a new run, which looks anew.',
      }
    },
    async apply(ports, signal) {
      const made = await ports.route53.change(
        zoneId,
        [
          ...deletes.map((record) => ({ action: 'delete', record }) as const),
          ...((await creates(ports, signal)) ?? []).map((record) => ({ action: 'create', record }) as const),
        ],
        comment,
        signal,
      )
      changeId = made.changeId
    },
  }
}

export function shownRecord({ type, values, ttlSeconds, setIdentifier }: DnsRecord): string {
  const ttl = ttlSeconds === undefined ? '' : `, TTL ${ttlSeconds} s`
  return `${type} ${values.join(' ')}${ttl}${setIdentifier === undefined ? '' : `, '${setIdentifier}'`}`
}

function isSameName(a: DnsRecord, b: DnsRecord): boolean {
  return a.name === b.name && a.type === b.type && a.setIdentifier === b.setIdentifier
}

function isSameRecord(there: DnsRecord | undefined, record: DnsRecord): boolean {
  const whole = (each: DnsRecord | undefined) =>
    JSON.stringify([
      ...[each?.ttlSeconds, each?.values, each?.alias, each?.healthCheckId],
      Object.entries(each?.routing ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    ])
  return there !== undefined && whole(there) === whole(record)
}

function commandLines(
  zoneId: string,
  { deletes, creates }: Readonly<Record<'deletes' | 'creates', readonly DnsRecord[]>>,
  region: string,
  comment: string,
): CliLine[] {
  const at = dnsRegion(region)
  const batch = {
    Comment: comment,
    Changes: [
      ...deletes.map((record) => ({ Action: 'DELETE', ResourceRecordSet: recordSet(record) })),
      ...creates.map((record) => ({ Action: 'CREATE', ResourceRecordSet: recordSet(record) })),
    ],
  }
  const options = { 'hosted-zone-id': zoneId, 'change-batch': JSON.stringify(batch) }
  const shown = { ...options, query: 'ChangeInfo.Id', output: 'text' }
  return [
    { ...aws(at, 'route53', 'change-resource-record-sets', shown), assign: 'CHANGE' },
    { argv: ['aws', 'route53', 'wait', 'resource-record-sets-changed', '--region', at, '--id', '$CHANGE'] },
  ]
}

function recordCheck({ zoneId, after }: RecordChange, region: string): StatusCheck {
  const same = [`Name=='${after.name}.'`, `Type=='${after.type}'`]
  if (after.setIdentifier !== undefined) same.push(`SetIdentifier=='${after.setIdentifier}'`)
  const query = `ResourceRecordSets[?${same.join(' && ')}].[TTL,ResourceRecords[0].Value]`
  const expect = `${after.ttlSeconds ?? 'None'} ${after.values[0] ?? 'None'}`
  const options = { 'hosted-zone-id': zoneId }
  return awsCheck(dnsRegion(region), 'route53', 'list-resource-record-sets', options, query, expect)
}

function permissionsOf({ zoneId, after }: RecordChange, region: string): Permission[] {
  const arn = (what: string) => `arn:${partitionOf(region)}:route53:::${what}`
  return [
    { actions: ['route53:ListHostedZones'], resources: ['*'] },
    {
      actions: ['route53:GetHostedZone', 'route53:ListResourceRecordSets'],
      resources: [arn(`hostedzone/${zoneId}`)],
    },
    {
      actions: ['route53:ChangeResourceRecordSets'],
      resources: [arn(`hostedzone/${zoneId}`)],
      condition: {
        'ForAllValues:StringEquals': {
          'route53:ChangeResourceRecordSetsNormalizedRecordNames': [after.name],
          'route53:ChangeResourceRecordSetsRecordTypes': [after.type],
        },
      },
    },
    { actions: ['route53:GetChange'], resources: [arn('change/*')] },
  ]
}

/** As the API takes it. */
export function recordSet(record: DnsRecord): Record<string, unknown> {
  return {
    Name: record.name,
    Type: record.type,
    SetIdentifier: record.setIdentifier,
    ...unfoldRouting(record.routing ?? {}),
    TTL: record.ttlSeconds,
    ResourceRecords: record.values.map((Value) => ({ Value })),
    HealthCheckId: record.healthCheckId,
  }
}

/** Where the control plane of Route 53 is. */
export function dnsRegion(region: string): string {
  switch (partitionOf(region)) {
    case 'aws-cn':
      return 'cn-northwest-1'
    case 'aws-us-gov':
      return 'us-gov-west-1'
    default:
      return 'us-east-1'
  }
}
