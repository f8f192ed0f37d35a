import {
  ChangeResourceRecordSetsCommand,
  type CloudWatchRegion,
  CreateHealthCheckCommand,
  GetChangeCommand,
  GetHostedZoneCommand,
  ListHealthChecksCommand,
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
  type RRType,
  type HostedZone as ZoneAnswer,
} from '@aws-sdk/client-route-53'
import type { DnsChange, HostedZone, Route53Port } from '../runbooks/ports/route53.ts'
import { given } from './answer.ts'
import { type Api, type ApiSettings, type CallOptions, createApi } from './api.ts'
import { allPages, eachOf } from './pages.ts'
import { recordOf, recordSetOf, withoutDot } from './route53-record.ts'

interface RecordMarker {
  readonly name: string
  readonly type: RRType | undefined
  readonly identifier: string | undefined
}

const ACTIONS = { create: 'CREATE', delete: 'DELETE', upsert: 'UPSERT' } as const satisfies Record<
  DnsChange['action'],
  string
>

export function openRoute53(settings: ApiSettings): {
  readonly port: Route53Port
  readonly api: Api<Route53Client>
} {
  const api = createApi(settings, (client) => new Route53Client(client))
  return { port: createRoute53(api), api }
}

function createRoute53(api: Api<Route53Client>): Route53Port {
  return {
    async zones(signal) {
      const deed = { operation: 'route53:ListHostedZones', to: 'list the hosted zones' }
      return await api.call(deed, signal, async (route53, at) => {
        const found = await allPages(async (Marker) => {
          const page = await route53.send(new ListHostedZonesCommand({ Marker }), at)
          return { items: page.HostedZones, next: page.IsTruncated === true ? page.NextMarker : undefined }
        })
        return await eachOf(found, (zone) => zoneOf(route53, zone, at))
      })
    },

    async records(zoneId, signal) {
      const deed = {
        operation: 'route53:ListResourceRecordSets',
        to: `list the records of hosted zone '${zoneId}'`,
      }
      const found = await api.call(deed, signal, (route53, at) =>
        allPages(async (from: RecordMarker | undefined) => {
          const page = await route53.send(
            new ListResourceRecordSetsCommand({
              HostedZoneId: zoneId,
              StartRecordName: from?.name,
              StartRecordType: from?.type,
              StartRecordIdentifier: from?.identifier,
            }),
            at,
          )
          const next =
            page.IsTruncated === true
              ? {
                  name: given(page.NextRecordName, 'NextRecordName'),
                  type: page.NextRecordType,
                  identifier: page.NextRecordIdentifier,
                }
              : undefined
          return { items: page.ResourceRecordSets, next }
        }),
      )
      return found.map(recordOf)
    },

    async change(zoneId, changes, comment, signal) {
      const names = [...new Set(changes.map(({ record }) => record.name))].join(', ')
      const deed = {
        operation: 'route53:ChangeResourceRecordSets',
        to: `change ${names} in hosted zone '${zoneId}'`,
      }
      const command = new ChangeResourceRecordSetsCommand({
        HostedZoneId: zoneId,
        ChangeBatch: {
          Comment: comment,
          Changes: changes.map(({ action, record }) => ({
            Action: ACTIONS[action],
            ResourceRecordSet: recordSetOf(record),
          })),
        },
      })
      return await api.call(deed, signal, async (route53, at) => {
        const { ChangeInfo } = await route53.send(command, at)
        return { changeId: given(ChangeInfo?.Id, 'ChangeInfo.Id').replace(/^\/change\//, '') }
      })
    },

    async healthChecks(signal) {
      const deed = { operation: 'route53:ListHealthChecks', to: 'list the health checks' }
      return await api.call(deed, signal, (route53, at) =>
        allPages(async (Marker) => {
          const page = await route53.send(new ListHealthChecksCommand({ Marker }), at)
          const items = (page.HealthChecks ?? []).map(({ Id, HealthCheckConfig }) => {
            const { Region: region, Name: name } = HealthCheckConfig?.AlarmIdentifier ?? {}
            return {
              id: given(Id, 'Id'),
              ...(region !== undefined && name !== undefined && { alarm: { region, name } }),
            }
          })
          return { items, next: page.IsTruncated === true ? page.NextMarker : undefined }
        }),
      )
    },

    async createHealthCheck({ reference, alarm }, signal) {
      const deed = { operation: 'route53:CreateHealthCheck', to: `create a health check on '${alarm.name}'` }
      const command = new CreateHealthCheckCommand({
        CallerReference: reference,
        HealthCheckConfig: {
          Type: 'CLOUDWATCH_METRIC',
          // What Route 53 has no name for is for it to refuse.
          AlarmIdentifier: { Region: alarm.region as CloudWatchRegion, Name: alarm.name },
          InsufficientDataHealthStatus: 'LastKnownStatus',
        },
      })
      return await api.call(deed, signal, async (route53, at) => {
        const { HealthCheck } = await route53.send(command, at)
        return { id: given(HealthCheck?.Id, 'HealthCheck.Id') }
      })
    },

    async changeStatus(changeId, signal) {
      const deed = { operation: 'route53:GetChange', to: `look at change '${changeId}'` }
      return await api.call(deed, signal, async (route53, at) => {
        const { ChangeInfo } = await route53.send(new GetChangeCommand({ Id: changeId }), at)
        return given(ChangeInfo?.Status, 'ChangeInfo.Status') === 'INSYNC' ? 'insync' : 'pending'
      })
    },
  }
}

/** The list says only that a zone is private, not of which VPCs. */
async function zoneOf(route53: Route53Client, zone: ZoneAnswer, at: CallOptions): Promise<HostedZone> {
  const isPrivate = zone.Config?.PrivateZone ?? false
  const id = given(zone.Id, 'Id').replace(/^\/hostedzone\//, '')
  const details = isPrivate ? await route53.send(new GetHostedZoneCommand({ Id: id }), at) : undefined
  return {
    id,
    name: withoutDot(zone.Name),
    private: isPrivate,
    vpcs: (details?.VPCs ?? []).map(({ VPCId = '', VPCRegion = '' }) => ({ id: VPCId, region: VPCRegion })),
  }
}
