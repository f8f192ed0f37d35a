import type { LifecycleRule, ServerSideEncryptionRule } from '@aws-sdk/client-s3'
import type { Place } from '../place.ts'
import type { BucketFacts, Fact } from './facts.ts'
import { abortsUploadsAfterDays, withUploadsAborted } from './lifecycle.ts'
import { type Policy, type PolicyTarget, plainHttpGaps, withLogDelivery, withTlsOnly } from './policy.ts'
import type { Step } from './step.ts'

/** Something that a bucket lacks, and how to give it. Nothing in it replaces what others have configured. */
export interface Remedy {
  readonly topic: string
  /** What it does, in one sentence. */
  readonly message: string
  readonly before: unknown
  readonly after: unknown
  readonly steps: readonly Step[]
}

/** Where access logs go, as far as it is there already. */
export interface LogBucket {
  readonly name: string
  readonly exists: boolean
  readonly policy: Policy | undefined
}

export interface RemedyOptions {
  /** Undefined where it could not be looked at: then logging is left alone. */
  readonly logs: LogBucket | undefined
  /** How long nobody, its writer included, can destroy a version that was written. */
  readonly lockDays: number
}

const BLOCK_ALL = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
} as const

/** What the facts lack, in an order in which S3 takes it. A fact that is not known is left alone. */
export function planRemedies(facts: BucketFacts, place: Place, options: RemedyOptions): readonly Remedy[] {
  const target = targetOf(place)
  const { bucket: Bucket } = target
  const remedies: Remedy[] = []
  const lacking = <T>(fact: Fact<T>, isFine: (value: T) => boolean, remedy: (value: T) => Remedy) => {
    if (fact.known && !isFine(fact.value)) remedies.push(remedy(fact.value))
  }

  lacking(
    facts.encryption,
    (rule) => encryptionIsFine(rule, place),
    (before) => {
      const after = wantedEncryption(place)
      return {
        topic: 'encryption',
        message: `encrypts what is written without a word about it with ${after.ApplyServerSideEncryptionByDefault.SSEAlgorithm}`,
        before,
        after,
        steps: [
          {
            operation: 'put-bucket-encryption',
            input: { Bucket, ServerSideEncryptionConfiguration: { Rules: [after] } },
          },
        ],
      }
    },
  )
  lacking(
    facts.policy,
    (policy) => plainHttpGaps(policy, target).length === 0,
    (before) => {
      const after = withTlsOnly(before, target)
      return {
        topic: 'TLS only',
        message: 'adds a statement to the policy that denies everybody plain HTTP',
        before,
        after,
        steps: [{ operation: 'put-bucket-policy', input: { Bucket, Policy: JSON.stringify(after) } }],
      }
    },
  )
  lacking(
    facts.versioning,
    (status) => status === 'Enabled',
    (before) => ({
      topic: 'versioning',
      message: 'keeps what is overwritten or deleted as an older version',
      before,
      after: 'Enabled',
      steps: [
        {
          operation: 'put-bucket-versioning',
          input: { Bucket, VersioningConfiguration: { Status: 'Enabled' } },
        },
      ],
    }),
  )
  lacking(
    facts.objectLock,
    (lock) => lock?.Rule?.DefaultRetention !== undefined,
    (before) => {
      const after = {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: options.lockDays } },
      } as const
      return {
        topic: 'Object Lock',
        message: `locks each version for ${options.lockDays} days; a bucket can't be without Object Lock again`,
        before,
        after,
        steps: [
          { operation: 'put-object-lock-configuration', input: { Bucket, ObjectLockConfiguration: after } },
        ],
      }
    },
  )
  const { logs } = options
  if (logs !== undefined) {
    lacking(
      facts.logging,
      (logging) => logging !== undefined,
      (before) => accessLogging(before, place, logs),
    )
  }
  lacking(
    facts.lifecycle,
    ({ rules }) => abortsUploadsAfterDays(rules, target.prefix) !== undefined,
    ({ rules, sizeDefault }) => {
      const after: readonly LifecycleRule[] = withUploadsAborted(rules)
      return {
        topic: 'incomplete uploads',
        message: 'adds a lifecycle rule that aborts uploads which nobody completed',
        before: rules,
        after,
        steps: [
          {
            operation: 'put-bucket-lifecycle-configuration',
            input: {
              Bucket,
              LifecycleConfiguration: { Rules: [...after] },
              ...(sizeDefault !== undefined && { TransitionDefaultMinimumObjectSize: sizeDefault }),
            },
          },
        ],
      }
    },
  )
  // The last: once it is on, S3 refuses a policy that still holds a public statement of others.
  lacking(facts.publicAccess, blocksAll, (before) => ({
    topic: 'public access',
    message: 'blocks public access, whatever policies and ACLs say',
    before,
    after: BLOCK_ALL,
    steps: [
      { operation: 'put-public-access-block', input: { Bucket, PublicAccessBlockConfiguration: BLOCK_ALL } },
    ],
  }))
  return remedies
}

function accessLogging(before: unknown, place: Place, logs: LogBucket): Remedy {
  const target = targetOf(place)
  const policy = withLogDelivery(logs.policy, { ...target, bucket: logs.name }, target.bucket)
  const LoggingEnabled = { TargetBucket: logs.name, TargetPrefix: `${target.bucket}/` }
  const made: readonly Step[] = [
    createStep(logs.name, place, false),
    {
      operation: 'put-public-access-block',
      input: { Bucket: logs.name, PublicAccessBlockConfiguration: BLOCK_ALL },
    },
  ]
  return {
    topic: 'access logging',
    message: `has S3 write who did what into bucket ${logs.name}${logs.exists ? '' : ', which is made for it'}`,
    before,
    after: LoggingEnabled,
    steps: [
      ...(logs.exists ? [] : made),
      { operation: 'put-bucket-policy', input: { Bucket: logs.name, Policy: JSON.stringify(policy) } },
      {
        operation: 'put-bucket-logging',
        input: { Bucket: target.bucket, BucketLoggingStatus: { LoggingEnabled } },
      },
    ],
  }
}

export function creation(place: Place): Remedy {
  const { bucket } = place.location
  return {
    topic: 'bucket',
    message: `creates bucket ${bucket}, for which Object Lock is possible`,
    before: undefined,
    after: bucket,
    steps: [createStep(bucket, place, true)],
  }
}

/** us-east-1 is the one region that must not be named. An S3-compatible knows its region by itself. */
function createStep(bucket: string, place: Place, objectLock: boolean): Step {
  const { region, endpoint } = place.location
  const elsewhere = endpoint === undefined && region !== undefined && region !== 'us-east-1'
  return {
    operation: 'create-bucket',
    input: {
      Bucket: bucket,
      ...(elsewhere && { CreateBucketConfiguration: { LocationConstraint: region as 'eu-central-1' } }),
      ...(objectLock && { ObjectLockEnabledForBucket: true }),
    },
  }
}

export function blocksAll(
  block: Partial<Record<keyof typeof BLOCK_ALL, boolean | undefined>> | undefined,
): boolean {
  return (Object.keys(BLOCK_ALL) as (keyof typeof BLOCK_ALL)[]).every((name) => block?.[name] === true)
}

/** SSE-S3 is what every bucket of AWS has anyway; whoever wrote `sse=s3`, or uses another place, has chosen it. */
export function encryptionIsFine(rule: ServerSideEncryptionRule | undefined, place: Place): boolean {
  const algorithm = rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm
  if (algorithm === undefined) return false
  return (
    algorithm !== 'AES256' ||
    wantedEncryption(place).ApplyServerSideEncryptionByDefault.SSEAlgorithm === 'AES256'
  )
}

function wantedEncryption(place: Place) {
  const { sse, kmsKey, endpoint } = place.location
  const algorithm = sse === 's3' || (endpoint !== undefined && sse === undefined) ? 'AES256' : 'aws:kms'
  return {
    ApplyServerSideEncryptionByDefault: {
      SSEAlgorithm: algorithm,
      ...(algorithm === 'aws:kms' && kmsKey !== undefined && { KMSMasterKeyID: kmsKey }),
    },
    // One call of KMS for many objects.
    ...(algorithm === 'aws:kms' && { BucketKeyEnabled: true }),
  } as const
}

export function targetOf({ location }: Place): PolicyTarget {
  const { bucket, prefix, region = '' } = location
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  return { partition, bucket, prefix }
}
