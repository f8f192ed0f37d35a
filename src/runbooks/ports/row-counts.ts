import type { Endpoint } from './rds.ts'

/** Rows of each table that the newest of lifeboat's own backups holds, against those at an endpoint now. */
export interface RowComparison {
  readonly backup: string
  readonly ended: string
  /** That were compared, and how many rows the backup has of them. */
  readonly tables: number
  readonly rows: number
  /** At the endpoint. */
  readonly rowsNow: number
  /** Tables that are not there. */
  readonly missing: readonly string[]
  /** Tables with fewer rows than the backup has. */
  readonly fewer: readonly { readonly table: string; readonly backup: number; readonly now: number }[]
}

export type RowCountState =
  | { readonly state: 'running'; readonly reason: string }
  | ({ readonly state: 'done' } & RowComparison)
  /** Of what could not be counted: no such backup, no key, no login. */
  | { readonly state: 'failed'; readonly reason: string; readonly hint?: string }

/** lifeboat's own counting over the database's protocol: no control plane is asked. The app has it. */
export interface RowCountPort {
  /** Begins with the first look, and goes on beside: counting may take hours. Never throws for what it finds. */
  look(endpoint: Endpoint, signal: AbortSignal): Promise<RowCountState>
}
