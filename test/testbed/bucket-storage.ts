import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { S3Server } from './s3-server.ts'
import type { BackupStorage } from './tds/server/rds-tasks.ts'

/** Buckets of a real S3 server as RDS sees them: by ARN, and past lifeboat. */
export interface BucketStorage extends BackupStorage {
  /** How each object was encrypted that the server read. */
  readonly encryptionsRead: string[]
}

export function createBucketStorage({ client }: S3Server): BucketStorage {
  const encryptionsRead: string[] = []
  return {
    encryptionsRead,
    async put(arn, bytes) {
      await client.send(new PutObjectCommand({ ...placeOf(arn), Body: bytes }))
    },
    async get(arn) {
      const place = placeOf(arn)
      const head = await client.send(new HeadObjectCommand(place)).catch(absent)
      if (head === undefined) return undefined
      encryptionsRead.push(head.ServerSideEncryption ?? 'none')
      const { Body } = await client.send(new GetObjectCommand(place))
      return await Body?.transformToByteArray()
    },
    async list(prefix) {
      const { Bucket, Key } = placeOf(prefix)
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }))
      return Contents.map(({ Key: key }) => `arn:aws:s3:::${Bucket}/${key}`)
    },
  }
}

/** A bucket that keeps every version, as a plain delete would leave them. */
export async function newVersionedBucket(server: S3Server): Promise<string> {
  const bucket = await server.newBucket()
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await server.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  return bucket
}

/** Keys of all versions and delete markers, the deleted ones too. */
export async function versionsIn({ client }: S3Server, bucket: string): Promise<readonly string[]> {
  const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
  return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key }) => Key ?? '')
}

function placeOf(arn: string): { readonly Bucket: string; readonly Key: string } {
  const [, Bucket = '', Key = ''] = /^arn:aws:s3:::([^/]+)\/(.*)$/.exec(arn) ?? []
  return { Bucket, Key }
}

function absent(thrown: unknown): undefined {
  const { name } = thrown as Error
  if (name !== 'NotFound' && name !== 'NoSuchKey') throw thrown
}
