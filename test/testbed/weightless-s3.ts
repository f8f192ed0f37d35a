import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'

export interface WeightlessS3 extends AsyncDisposable {
  readonly endpoint: string
  /** Lengths of the parts in the order of their numbers, as Complete named them. */
  readonly completed: readonly number[]
  /** Most requests that were being answered at the same time. */
  readonly mostAtOnce: number
}

/**
 * As much of S3 as one multipart upload needs, checking every part's CRC32 and storing nothing: for objects that are
 * too large, or have too many parts, for a server that keeps them.
 */
export async function startWeightlessS3(): Promise<WeightlessS3> {
  const parts = new Map<number, { bytes: number; etag: string }>()
  let completed: number[] = []
  let metadata = ''
  let whole: string | undefined
  let atOnce = 0
  let mostAtOnce = 0

  const server = createServer(async (request, response) => {
    const query = new URL(request.url ?? '/', 'http://weightless.invalid').searchParams
    const answer = (body = '', headers: Record<string, string> = {}) =>
      response.writeHead(200, headers).end(body)
    let sum = 0
    let bytes = 0
    let text = ''
    atOnce += 1
    mostAtOnce = Math.max(mostAtOnce, atOnce)
    for await (const piece of request as AsyncIterable<Buffer>) {
      sum = crc32(piece, sum)
      bytes += piece.length
      if (request.method === 'POST') text += piece.toString()
    }
    atOnce -= 1
    if (request.method === 'HEAD') {
      if (completed.length === 0) return response.writeHead(404).end()
      return answer('', {
        'content-length': String(completed.reduce((total, part) => total + part, 0)),
        etag: `"${'0'.repeat(32)}-${completed.length}"`,
        'last-modified': new Date().toUTCString(),
        'x-amz-meta-lifeboat-write': metadata,
        ...(whole === undefined ? {} : { 'x-amz-checksum-crc32': whole }),
      })
    }
    if (query.has('uploads')) {
      metadata = String(request.headers['x-amz-meta-lifeboat-write'])
      return answer('<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>')
    }
    if (request.method === 'PUT') {
      const confirmed = base64(sum)
      if (request.headers['x-amz-checksum-crc32'] !== confirmed) {
        return response.writeHead(400).end('<Error><Code>BadDigest</Code><Message>no</Message></Error>')
      }
      const number = Number(query.get('partNumber'))
      const etag = createHash('md5').update(`${number} ${confirmed}`).digest('hex')
      parts.set(number, { bytes, etag })
      return answer('', { etag: `"${etag}"`, 'x-amz-checksum-crc32': confirmed })
    }
    const named = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /([0-9a-f]{32})/.exec(part)?.[1],
    }))
    const right = named.every(
      ({ number, etag }, index) => number === index + 1 && parts.get(number)?.etag === etag,
    )
    if (!right)
      return response.writeHead(400).end('<Error><Code>InvalidPart</Code><Message>no</Message></Error>')
    completed = named.map(({ number }) => parts.get(number)?.bytes ?? 0)
    whole = request.headers['x-amz-checksum-crc32'] as string | undefined
    return answer('<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get completed() {
      return completed
    },
    get mostAtOnce() {
      return mostAtOnce
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function base64(sum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(sum)
  return bytes.toString('base64')
}
