import { type Clock, systemClock } from '../core/clock.ts'
import type { DatabasePort } from '../runbooks/ports/database.ts'
import type { CloudPorts, RegionPorts } from '../runbooks/ports.ts'
import { API_TIMEOUTS, type ApiSettings, type ApiTimeouts } from './api.ts'
import { globalRegionOf } from './arn.ts'
import { openCloudWatch } from './cloudwatch.ts'
import { openEc2 } from './ec2.ts'
import { openIam } from './iam.ts'
import { openKms } from './kms.ts'
import { openRds } from './rds.ts'
import { createResolver } from './resolver.ts'
import { openRoute53 } from './route53.ts'

/** As IAM's actions begin. */
export type ServiceName = 'rds' | 'kms' | 'ec2' | 'cloudwatch' | 'route53' | 'sts' | 'iam'

export interface CloudOptions {
  /** `eu-west-1` */
  readonly source: string
  readonly target: string
  /** Of the shared files. Otherwise the SDK's own order: environment, files, container, instance. */
  readonly profile?: string
  /** Else what the SDK knows: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_RDS …, the shared files, its own table. */
  readonly endpoint?: string | ((service: ServiceName, region: string) => string | undefined)
  readonly timeouts?: Partial<ApiTimeouts>
  readonly clock?: Clock
}

/** `dispose` closes connections. Nothing is asked, and no credentials are looked for, before the first call. */
export interface OpenCloud extends CloudPorts, Disposable {}

export function openCloud(options: CloudOptions, database: DatabasePort): OpenCloud {
  const { source, target, profile, endpoint, clock = systemClock } = options
  const opened: { destroy(): void }[] = []

  function at(service: ServiceName, region: string): ApiSettings {
    const there = typeof endpoint === 'function' ? endpoint(service, region) : endpoint
    return {
      region,
      timeouts: { ...API_TIMEOUTS, ...options.timeouts },
      ...(there === undefined ? {} : { endpoint: there }),
      ...(profile === undefined ? {} : { profile }),
    }
  }

  /** The SDK finds the endpoint of a service without regions by any region of its partition. */
  function global(service: 'iam' | 'route53'): ApiSettings {
    return { ...at(service, target), controlRegion: globalRegionOf(target, service) }
  }

  function regionPorts(region: string): RegionPorts {
    const rds = openRds(at('rds', region))
    const kms = openKms(at('kms', region))
    const ec2 = openEc2(at('ec2', region))
    const cloudwatch = openCloudWatch(at('cloudwatch', region), clock)
    opened.push(rds.api, kms.api, ec2.api, cloudwatch.api)
    return { region, rds: rds.port, kms: kms.port, ec2: ec2.port, cloudwatch: cloudwatch.port }
  }

  const route53 = openRoute53(global('route53'))
  const iam = openIam({ sts: at('sts', target), iam: global('iam') })
  opened.push(route53.api, ...iam.apis)
  return {
    source: regionPorts(source),
    target: regionPorts(target),
    route53: route53.port,
    iam: iam.port,
    database,
    resolver: createResolver(),
    [Symbol.dispose]() {
      for (const api of opened) api.destroy()
    },
  }
}
