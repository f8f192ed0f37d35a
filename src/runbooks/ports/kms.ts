import type { Tags } from '../ports.ts'

export interface KmsKey {
  readonly id: string
  readonly arn: string
  readonly enabled: boolean
  /** `Enabled`, `Disabled`, `PendingDeletion`, `PendingImport`, `Unavailable` … */
  readonly state: string
  /** Who made it: `aws/rds` is AWS's, can't be shared, and has a policy that nobody can change. */
  readonly managedBy: 'customer' | 'aws'
  /** `SYMMETRIC_DEFAULT` is what RDS takes. */
  readonly spec: string
  readonly usage: string
  readonly multiRegion: boolean
  /** `alias/…` */
  readonly aliases: readonly string[]
  readonly description?: string
  readonly deletion?: Date
}

export interface KmsPort {
  /** By id, ARN or `alias/…`. Undefined where this region has none such; `denied` where only the look is forbidden. */
  key(name: string, signal: AbortSignal): Promise<KmsKey | undefined>
  /** One that may not be looked at is among them, with the state `AccessDenied`: it can't be used. */
  keys(signal: AbortSignal): Promise<readonly KmsKey[]>
  /** The policy as JSON. */
  policy(keyId: string, signal: AbortSignal): Promise<string>
  /** Symmetric, customer-managed. A key has no name of its own: find it again by its alias or tags. */
  createKey(
    input: { readonly description: string; readonly policy: string; readonly tags: Tags },
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly arn: string }>
  createAlias(input: { readonly alias: string; readonly keyId: string }, signal: AbortSignal): Promise<void>
  tags(keyId: string, signal: AbortSignal): Promise<Tags>
}
