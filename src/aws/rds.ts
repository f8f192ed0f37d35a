import { RDSClient } from '@aws-sdk/client-rds'
import type { RdsPort } from '../runbooks/ports/rds.ts'
import { type Api, type ApiSettings, createApi } from './api.ts'
import { createRdsBackups } from './rds-backups.ts'
import { createRdsClusters } from './rds-clusters.ts'
import { createRdsGroups } from './rds-groups.ts'
import { createRdsInstances } from './rds-instances.ts'

export function openRds(settings: ApiSettings): { readonly port: RdsPort; readonly api: Api<RDSClient> } {
  const api = createApi(settings, (client) => new RDSClient(client))
  const port = {
    ...createRdsInstances(api),
    ...createRdsClusters(api),
    ...createRdsBackups(api),
    ...createRdsGroups(api),
  }
  return { port, api }
}
