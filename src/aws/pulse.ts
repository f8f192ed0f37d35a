import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { PulsePort } from '../runbooks/ports/pulse.ts'
import { given } from './answer.ts'
import { API_TIMEOUTS, type Api, type ApiSettings, createApi } from './api.ts'

export interface PulseOptions {
  readonly regions: readonly string[]
  readonly profile?: string
  /** Else what the SDK knows. */
  readonly endpoint?: (service: 's3' | 'sts', region: string) => string | undefined
}

/** Nothing is asked, and no credentials are looked for, before the first call. */
export function openPulse({ regions, profile, endpoint }: PulseOptions): PulsePort & Disposable {
  const named = profile === undefined ? {} : { profile }
  const each = <Client>(service: 's3' | 'sts', open: (settings: ApiSettings) => Client) =>
    new Map(
      regions.map((region) => {
        const there = endpoint?.(service, region)
        const at = there === undefined ? {} : { endpoint: there }
        return [region, open({ region, timeouts: API_TIMEOUTS, ...named, ...at })]
      }),
    )
  const s3 = each('s3', (at) => createApi(at, (client) => new S3Client(client)))
  const sts = each('sts', (at) => createApi(at, (client) => new STSClient(client)))
  return {
    async s3(region, signal) {
      const deed = { operation: 's3:ListBuckets', to: `list buckets by way of ${region}` }
      await of(s3, region).call(deed, signal, (client, at) =>
        client.send(new ListBucketsCommand({ MaxBuckets: 1 }), at),
      )
    },
    sts(region, signal) {
      const deed = { operation: 'sts:GetCallerIdentity', to: `find out who the caller is in ${region}` }
      return of(sts, region).call(deed, signal, async (client, at) => ({
        account: given((await client.send(new GetCallerIdentityCommand({}), at)).Account, 'Account'),
      }))
    },
    [Symbol.dispose]() {
      for (const api of [...s3.values(), ...sts.values()]) api.destroy()
    },
  }
}

function of<Client>(apis: ReadonlyMap<string, Api<Client>>, region: string): Api<Client> {
  const api = apis.get(region)
  if (api === undefined) throw new Error(`region ${region} was not opened`)
  return api
}
