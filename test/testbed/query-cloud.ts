import { vi } from 'vitest'
import { type OpenCloud, openCloud } from '../../src/aws/index.ts'
import { stubAwsEnvironment } from './aws-environment.ts'
import { noDatabase } from './no-database.ts'
import { type QueryFake, startQueryFake } from './rds-query-fake.ts'

export interface QueryCloud extends AsyncDisposable {
  readonly fake: QueryFake
  readonly ports: OpenCloud
}

/** The adapters over the fake of the query protocol: eu-west-1 is the source, eu-central-1 the target. */
export async function startQueryCloud(): Promise<QueryCloud> {
  stubAwsEnvironment()
  const fake = await startQueryFake()
  const { endpoint } = fake
  const ports = openCloud({ source: 'eu-west-1', target: 'eu-central-1', endpoint }, noDatabase)
  return {
    fake,
    ports,
    async [Symbol.asyncDispose]() {
      ports[Symbol.dispose]()
      vi.unstubAllEnvs()
      await fake[Symbol.asyncDispose]()
    },
  }
}
