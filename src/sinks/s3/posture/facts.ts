import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  type LifecycleRule,
  type LoggingEnabled,
  type ObjectLockConfiguration,
  type PublicAccessBlockConfiguration,
  type ServerSideEncryptionRule,
  type TransitionDefaultMinimumObjectSize,
} from '@aws-sdk/client-s3'
import { messageOf, throwIfAborted } from '../../../core/errors.ts'
import { failureName, failureStatus, isNotImplemented } from '../explain.ts'
import type { Place, Send } from '../place.ts'
import { type Policy, parsePolicy } from './policy.ts'

/** What a bucket's owner has decided about it. What could not be asked is not the same as what is not there. */
export type Fact<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string; readonly why: 'denied' | 'not-offered' | 'unreachable' }

export interface BucketFacts {
  readonly region: Fact<string | undefined>
  readonly publicAccess: Fact<PublicAccessBlockConfiguration | undefined>
  readonly encryption: Fact<ServerSideEncryptionRule | undefined>
  readonly policy: Fact<Policy | undefined>
  readonly versioning: Fact<'Enabled' | 'Suspended' | undefined>
  readonly logging: Fact<LoggingEnabled | undefined>
  readonly objectLock: Fact<ObjectLockConfiguration | undefined>
  readonly lifecycle: Fact<{
    readonly rules: readonly LifecycleRule[]
    /** As it was answered: a merge must not lose it. */
    readonly sizeDefault?: TransitionDefaultMinimumObjectSize
  }>
}

/** How S3 says that a thing was never configured. */
const ABSENT = new Set([
  'NoSuchPublicAccessBlockConfiguration',
  'ServerSideEncryptionConfigurationNotFoundError',
  'NoSuchBucketPolicy',
  'ObjectLockConfigurationNotFoundError',
  'NoSuchLifecycleConfiguration',
])

/** All at once, so that a dead place costs one bound and not eight. Throws only where the signal says so. */
export async function readFacts(place: Place, signal: AbortSignal): Promise<BucketFacts> {
  const Bucket = place.location.bucket
  const ask = <A, T>(send: Send<A>, read: (answer: A) => T): Promise<Fact<T | undefined>> =>
    askFact(place, signal, send, read)
  const [region, publicAccess, encryption, policy, versioning, logging, objectLock, lifecycle] =
    await Promise.all([
      ask(
        (client, options) => client.send(new HeadBucketCommand({ Bucket }), options),
        ({ BucketRegion }) => BucketRegion ?? place.location.region,
      ),
      ask(
        (client, options) => client.send(new GetPublicAccessBlockCommand({ Bucket }), options),
        ({ PublicAccessBlockConfiguration }) => PublicAccessBlockConfiguration,
      ),
      ask(
        (client, options) => client.send(new GetBucketEncryptionCommand({ Bucket }), options),
        ({ ServerSideEncryptionConfiguration }) => ServerSideEncryptionConfiguration?.Rules?.[0],
      ),
      ask(
        (client, options) => client.send(new GetBucketPolicyCommand({ Bucket }), options),
        ({ Policy }) => (Policy === undefined || Policy === '' ? undefined : parsePolicy(Policy)),
      ),
      ask(
        (client, options) => client.send(new GetBucketVersioningCommand({ Bucket }), options),
        ({ Status }) => Status,
      ),
      ask(
        (client, options) => client.send(new GetBucketLoggingCommand({ Bucket }), options),
        ({ LoggingEnabled }) => LoggingEnabled,
      ),
      ask(
        (client, options) => client.send(new GetObjectLockConfigurationCommand({ Bucket }), options),
        (answer) => answer.ObjectLockConfiguration,
      ),
      ask(
        (client, options) => client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }), options),
        ({ Rules, TransitionDefaultMinimumObjectSize: sizeDefault }) => ({
          rules: Rules ?? [],
          ...(sizeDefault !== undefined && { sizeDefault }),
        }),
      ),
    ])
  return {
    region,
    publicAccess,
    encryption,
    policy,
    versioning,
    logging,
    objectLock,
    lifecycle: lifecycle.known ? { known: true, value: lifecycle.value ?? { rules: [] } } : lifecycle,
  }
}

export async function askFact<A, T>(
  place: Place,
  signal: AbortSignal,
  send: Send<A>,
  read: (answer: A) => T,
): Promise<Fact<T | undefined>> {
  const deed = { verb: 'look at', noun: 'bucket', name: place.location.bucket } as const
  try {
    return { known: true, value: read(await place.call(deed, signal, send)) }
  } catch (thrown) {
    throwIfAborted(signal)
    const name = failureName(thrown)
    if (ABSENT.has(name)) return { known: true, value: undefined }
    const status = failureStatus(thrown)
    if (isNotImplemented(thrown))
      return { known: false, why: 'not-offered', reason: 'the place does not know the call' }
    const why = status === 401 || status === 403 ? 'denied' : 'unreachable'
    return { known: false, why, reason: reasonOf(thrown) }
  }
}

/** Without the beginning, which every one of them has: `unable to look at bucket 'x': `. */
function reasonOf(thrown: unknown): string {
  return messageOf(thrown).replace(/^unable to look at bucket '[^']*': /, '')
}
