import { type Case, closed, open } from './conditions.ts'
import type { Condition } from './verdict.ts'

export const ENDPOINT_CHANGES =
  'The database has another endpoint: connection strings, DNS names, security groups of applications and alarms must follow.'
export const RESOURCE_ID = 'It has another resource id: policies of `rds-db:connect` must name that one.'
export const LAZY = 'Its storage is loaded lazily: it is slow until all of it has been read once.'
export const NOTHING_ELSE =
  'Replicas, replicated backups, alarms, roles and DNS names are not made along with it.'
export const BY_INVENTORY =
  'Log exports, IAM authentication and tags are as an inventory has them (--inventory FILE): without one it has none.'

/** Where nobody knows which kind it is, nothing is closed for that. */
export function notOfKind({ db }: Case, kind: 'instance' | 'cluster', reason: string): Condition {
  return db.identity.known && db.identity.value.kind === kind ? closed(reason) : open('')
}
