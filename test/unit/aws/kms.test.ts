import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type OpenCloud, openCloud } from '../../../src/aws/index.ts'
import { stubAwsEnvironment } from '../../testbed/aws-environment.ts'
import { noDatabase } from '../../testbed/no-database.ts'

const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/'

/** moto has one page only. */
describe('kms', () => {
  const { signal } = new AbortController()
  let server: Server
  let ports: OpenCloud
  let asked: string[]

  beforeEach(async () => {
    stubAwsEnvironment()
    asked = []
    server = createServer(async (from, to) => {
      const input = JSON.parse(Buffer.concat(await Array.fromAsync(from)).toString())
      const operation = String(from.headers['x-amz-target']).split('.')[1] ?? ''
      asked.push(operation)
      to.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      to.end(JSON.stringify(answers[operation]?.(input)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    ports = openCloud({ source: 'eu-west-1', target: 'eu-central-1', endpoint }, noDatabase)
  })
  afterEach(async () => {
    ports[Symbol.dispose]()
    vi.unstubAllEnvs()
    await new Promise((resolve) => server.close(resolve))
  })

  const key = (id: string) => ({ KeyId: id, KeyArn: `${ARN}${id}` })
  const answers: Readonly<Record<string, (input: Readonly<Record<string, string>>) => object>> = {
    ListKeys: ({ Marker }) =>
      Marker === undefined
        ? { Keys: [key('a')], Truncated: true, NextMarker: 'second' }
        : { Keys: [key('b')], Truncated: false },
    ListAliases: ({ Marker }) =>
      Marker === undefined
        ? { Aliases: [{ AliasName: 'alias/aws/dms' }], Truncated: true, NextMarker: 'second' }
        : { Aliases: [{ AliasName: 'alias/dr', TargetKeyId: 'b' }], Truncated: false },
    DescribeKey: ({ KeyId = '' }) => ({
      KeyMetadata: {
        ...{ KeyId, Arn: `${ARN}${KeyId}`, Enabled: true, KeyState: 'Enabled', KeyManager: 'AWS' },
        ...{ KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT', MultiRegion: false },
      },
    }),
    ListResourceTags: ({ Marker }) =>
      Marker === undefined
        ? { Tags: [{ TagKey: 'a', TagValue: '1' }], Truncated: true, NextMarker: 'second' }
        : { Tags: [{ TagKey: 'b', TagValue: '2' }], Truncated: false },
  }

  test('keys, aliases and tags are those of all pages', async () => {
    const { kms } = ports.target
    expect((await kms.keys(signal)).map(({ id, aliases, managedBy }) => [id, aliases, managedBy])).toEqual([
      ['a', [], 'aws'],
      ['b', ['alias/dr'], 'aws'],
    ])
    expect(await kms.tags('a', signal)).toEqual({ a: '1', b: '2' })
  })

  test('a key of another region is not asked for: KMS would answer of itself', async () => {
    expect(await ports.target.kms.key('arn:aws:kms:eu-west-1:123456789012:key/a', signal)).toBeUndefined()
    expect(asked).toEqual([])
  })
})
