import type { CloudWatchPort } from './ports/cloudwatch.ts'
import type { DatabasePort } from './ports/database.ts'
import type { Ec2Port } from './ports/ec2.ts'
import type { IamPort } from './ports/iam.ts'
import type { KmsPort } from './ports/kms.ts'
import type { NativeRestorePort } from './ports/native-restore.ts'
import type { RdsPort } from './ports/rds.ts'
import type { ResolverPort } from './ports/resolver.ts'
import type { Route53Port } from './ports/route53.ts'
import type { RowCountPort } from './ports/row-counts.ts'
import type { KeptAccounts } from './source-accounts.ts'

/**
 * All that ways out ask of the world, in lifeboat's own words. src/aws has the adapters, src/simulation the cloud in memory.
 *
 * For every call of every port:
 * - It is bounded in time (30 s and less) and ends soon after its signal is aborted, with the signal's reason.
 * - It tries once: retries are the runner's, which knows the deadline and journals them.
 * - A failure is made by `cloudFault`; one whose call may have been carried out is `unavailable`.
 * - A thing that is not there is `undefined` from a look, and `not-found` from a change.
 * - Lists are whole: the adapter turns pages.
 * - A change resolves once it is accepted; looks show how it goes on. Right after, a look may still show what was before.
 * - What is made carries `tags`, from the first moment on.
 */
export interface RegionPorts {
  readonly region: string
  /** Id of the inventory that stands for it: nothing of the region itself is asked. */
  readonly inventory?: string
  readonly rds: RdsPort
  readonly kms: KmsPort
  readonly ec2: Ec2Port
  readonly cloudwatch: CloudWatchPort
}

/** A call names no region: it goes to the one that its port is bound to. */
export interface CloudPorts {
  readonly source: RegionPorts
  readonly target: RegionPorts
  readonly route53: Route53Port
  readonly iam: IamPort
  readonly database: DatabasePort
  /** Where the operator has named backups to restore. */
  readonly native?: NativeRestorePort
  /** Where the operator has named backups to compare with. */
  readonly rows?: RowCountPort
  /** The source region as the operator's inventory has it, for what the region itself can't be asked. */
  readonly remembered?: RegionPorts
  /** Who could do what at the old database, as the operator has kept it. */
  readonly rememberedAccounts?: KeptAccounts
  readonly resolver: ResolverPort
}

export type Tags = Readonly<Record<string, string>>
