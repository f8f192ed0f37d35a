import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { PulsePort } from '../runbooks/ports/pulse.ts'
import { given } from './answer.ts'
import { API_TIMEOUTS, type Api, type ApiSettings, createApi } from './api.ts'

export interface PulseOptions extends Pick<ApiSettings, 'endpoint' | 'profile'> {
  readonly regions: readonly string[]
}

/** Nothing is asked, and no credentials are looked for, before the first call. */
export function openPulse({ regions, ...settings }: PulseOptions): PulsePort & Disposable {
  const each = <Client>(open: (settings: ApiSettings) => Client) =>
    new Map(regions.map((region) => [region, open({ ...settings, region, timeouts: API_TIMEOUTS })]))
  const s3 = each((at) => createApi(at, (client) => new S3Client(client)))
  const sts = each((at) => createApi(at, (client) => new STSClient(client)))
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
