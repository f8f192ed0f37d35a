import { randomBytes } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { startCephContainer } from './containers/ceph.ts'
import { startMotoContainer } from './containers/moto.ts'
import type { S3Container } from './containers/s3-container.ts'

/** Ceph is the real one. moto, a fake, answers as AWS does in some ways that Ceph does not. */
export const S3_SERVERS = ['ceph', 'moto'] as const
export type S3ServerName = (typeof S3_SERVERS)[number]

const START: Readonly<Record<S3ServerName, () => Promise<S3Container>>> = {
  ceph: startCephContainer,
  moto: startMotoContainer,
}

export interface S3Server
  extends AsyncDisposable,
    Pick<S3Container, 'endpoint' | 'region' | 'kmsKey' | 'tls'> {
  /** Where AWS_… variables would be read: the SDK's default chain, as users have it. */
  readonly env: Readonly<Record<string, string>>
  /** Words that start the AWS command line. */
  readonly aws: readonly [string, ...string[]]
  /** Looks past lifeboat. */
  readonly client: S3Client
  newBucket(): Promise<string>
  /** Denies everybody an action on the bucket's objects, until the returned function is called. Not by moto. */
  deny(bucket: string, action: string): Promise<() => Promise<void>>
  /** Keys, and `upload:key` for uploads that are open. */
  names(bucket: string): Promise<readonly string[]>
}

/**
 * In a container. Its credentials are put into this process's environment, where the SDK's default chain finds them,
 * and taken out at the end. (Tried and not taken: Debian's rclone has no `serve s3`; s3rver of npm ignores ranges of
 * one byte, lists without order and fails on a second page.)
 */
export async function startS3Server(name: S3ServerName = 'ceph'): Promise<S3Server> {
  const container = await START[name]()
  const { endpoint, region, kmsKey, tls } = container
  const env = {
    AWS_ACCESS_KEY_ID: container.accessKeyId,
    AWS_SECRET_ACCESS_KEY: container.secretAccessKey,
    // No look at ~/.aws, and no request to an instance's metadata service.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]))
  Object.assign(process.env, env)
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return {
    endpoint,
    region,
    kmsKey,
    ...(tls === undefined ? {} : { tls }),
    env,
    aws: container.commands.aws,
    client,
    async newBucket() {
      const name = `lifeboat-${randomBytes(6).toString('hex')}`
      await client.send(new CreateBucketCommand({ Bucket: name }))
      return name
    },
    async deny(bucket, action) {
      const statement = {
        Effect: 'Deny',
        Principal: '*',
        Action: action,
        Resource: `arn:aws:s3:::${bucket}/*`,
      }
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
      return async () => {
        await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
      }
    },
    async names(bucket) {
      const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
      const keys = (objects.Contents ?? []).map(({ Key }) => Key ?? '')
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      return [...keys, ...(uploads.Uploads ?? []).map(({ Key }) => `upload:${Key}`)]
    },
    async [Symbol.asyncDispose]() {
      client.destroy()
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      await container.stop()
    },
  }
}
