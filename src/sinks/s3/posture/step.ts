import {
  CreateBucketCommand,
  type CreateBucketCommandInput,
  PutBucketEncryptionCommand,
  type PutBucketEncryptionCommandInput,
  PutBucketLifecycleConfigurationCommand,
  type PutBucketLifecycleConfigurationCommandInput,
  PutBucketLoggingCommand,
  type PutBucketLoggingCommandInput,
  PutBucketPolicyCommand,
  type PutBucketPolicyCommandInput,
  PutBucketVersioningCommand,
  type PutBucketVersioningCommandInput,
  PutObjectLockConfigurationCommand,
  type PutObjectLockConfigurationCommandInput,
  PutPublicAccessBlockCommand,
  type PutPublicAccessBlockCommandInput,
} from '@aws-sdk/client-s3'
import { LifeboatError } from '../../../core/errors.ts'
import { shellQuote } from '../../../core/shell-quote.ts'
import { failureName } from '../explain.ts'
import type { Place } from '../place.ts'

/** One change of a bucket, as the AWS command line names it and as the SDK sends it: the same input for both. */
export type Step =
  | { readonly operation: 'create-bucket'; readonly input: CreateBucketCommandInput }
  | { readonly operation: 'put-public-access-block'; readonly input: PutPublicAccessBlockCommandInput }
  | { readonly operation: 'put-bucket-encryption'; readonly input: PutBucketEncryptionCommandInput }
  | { readonly operation: 'put-bucket-policy'; readonly input: PutBucketPolicyCommandInput }
  | { readonly operation: 'put-bucket-versioning'; readonly input: PutBucketVersioningCommandInput }
  | { readonly operation: 'put-bucket-logging'; readonly input: PutBucketLoggingCommandInput }
  | {
      readonly operation: 'put-object-lock-configuration'
      readonly input: PutObjectLockConfigurationCommandInput
    }
  | {
      readonly operation: 'put-bucket-lifecycle-configuration'
      readonly input: PutBucketLifecycleConfigurationCommandInput
    }

const RIGHTS: Readonly<Record<Step['operation'], string>> = {
  'create-bucket': 's3:CreateBucket',
  'put-public-access-block': 's3:PutBucketPublicAccessBlock',
  'put-bucket-encryption': 's3:PutEncryptionConfiguration',
  'put-bucket-policy': 's3:PutBucketPolicy',
  'put-bucket-versioning': 's3:PutBucketVersioning',
  'put-bucket-logging': 's3:PutBucketLogging',
  'put-object-lock-configuration': 's3:PutBucketObjectLockConfiguration',
  'put-bucket-lifecycle-configuration': 's3:PutLifecycleConfiguration',
}

/** `aws s3api put-bucket-versioning --bucket b --versioning-configuration '{"Status":"Enabled"}'`. */
export function commandLine({ operation, input }: Step, place: Place): string {
  const { region, endpoint, tlsCa, profile } = place.location
  const words = ['aws', 's3api', operation]
  for (const [name, value] of Object.entries(input)) {
    words.push(`--${name.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()}`)
    if (value !== true) words.push(typeof value === 'string' ? value : JSON.stringify(value))
  }
  const common = {
    '--region': region,
    '--endpoint-url': endpoint,
    '--ca-bundle': tlsCa,
    '--profile': profile,
  }
  for (const [name, value] of Object.entries(common)) if (value !== undefined) words.push(name, value)
  return words.map(shellQuote).join(' ')
}

/** A step that was done before is done again to no effect. */
export async function applyStep(step: Step, place: Place, signal: AbortSignal): Promise<void> {
  const bucket = step.input.Bucket ?? place.location.bucket
  const verb = step.operation === 'create-bucket' ? 'create' : 'change'
  try {
    await place.call({ verb, noun: 'bucket', name: bucket }, signal, (client, options) => {
      switch (step.operation) {
        case 'create-bucket':
          return client.send(new CreateBucketCommand(step.input), options)
        case 'put-public-access-block':
          return client.send(new PutPublicAccessBlockCommand(step.input), options)
        case 'put-bucket-encryption':
          return client.send(new PutBucketEncryptionCommand(step.input), options)
        case 'put-bucket-policy':
          return client.send(new PutBucketPolicyCommand(step.input), options)
        case 'put-bucket-versioning':
          return client.send(new PutBucketVersioningCommand(step.input), options)
        case 'put-bucket-logging':
          return client.send(new PutBucketLoggingCommand(step.input), options)
        case 'put-object-lock-configuration':
          return client.send(new PutObjectLockConfigurationCommand(step.input), options)
        case 'put-bucket-lifecycle-configuration':
          return client.send(new PutBucketLifecycleConfigurationCommand(step.input), options)
      }
    })
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError)) throw thrown
    const name = failureName(thrown)
    if (name === 'BucketAlreadyOwnedByYou') return
    const { cause, details, message } = thrown
    if (name === 'BucketAlreadyExists') {
      throw new LifeboatError('sink-exists', message, {
        hint: 'Names of buckets are taken all over the world: choose another one.',
        cause,
        details,
      })
    }
    if (name !== 'AccessDenied') throw thrown
    throw new LifeboatError('sink-denied', message, {
      hint: `Let these credentials do ${RIGHTS[step.operation]}, or have the bucket's owner run the lines that are printed without --confirm.`,
      cause,
      details,
    })
  }
}
