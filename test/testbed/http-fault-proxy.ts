import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transform } from 'node:stream'

/** What S3 was asked for, as far as faults need to tell requests apart. */
export interface SeenRequest {
  readonly method: string
  /** `CreateMultipartUpload`, `UploadPart`, `HeadObject`, … by method and query. */
  readonly operation: string
  readonly partNumber: number | undefined
  /** Whose key signed it. */
  readonly accessKeyId: string | undefined
}

export interface HttpFault {
  readonly on: (seen: SeenRequest) => boolean
  /**
   * - `answer`: the server never sees it; the status and body given here are the answer.
   * - `lose-answer`: the server does it, and the client's connection is reset in place of the answer.
   * - `forge-answer`: the server does it, and the client is told the given status and body.
   * - `reset`: the connection is reset once some of the body has been read; the server never sees it.
   * - `stall`: the body is not read, nothing is answered; the server never sees it.
   * - `corrupt-body`: the server gets the body with one bit flipped.
   * - `truncate-answer`: the head of the answer and half its body, then a reset.
   */
  readonly kind:
    | 'answer'
    | 'lose-answer'
    | 'forge-answer'
    | 'reset'
    | 'stall'
    | 'corrupt-body'
    | 'truncate-answer'
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How many requests it strikes before all is well again; for ever where left out. */
  readonly times?: number
}

export interface HttpFaultProxy extends AsyncDisposable {
  readonly endpoint: string
  /** Operations in the order in which they came, struck or not. */
  readonly seen: readonly SeenRequest[]
  count(operation: string): number
  inject(...faults: readonly HttpFault[]): void
  /** Resolves when the next fault strikes. */
  struck(): Promise<void>
}

/** Before a real S3 server: passes everything on but what a fault strikes. The Host header, which is signed, is kept. */
export async function startHttpFaultProxy(target: string): Promise<HttpFaultProxy> {
  const upstream = new URL(target)
  const seen: SeenRequest[] = []
  const waiting: (() => void)[] = []
  let faults: { fault: HttpFault; left: number }[] = []

  function strike(request: SeenRequest): HttpFault | undefined {
    const hit = faults.find(({ fault, left }) => left > 0 && fault.on(request))
    if (hit === undefined) return undefined
    hit.left -= 1
    for (const resolve of waiting.splice(0)) resolve()
    return hit.fault
  }

  function pass(from: IncomingMessage, to: ServerResponse, fault: HttpFault | undefined): void {
    const forward = request(
      {
        host: upstream.hostname,
        port: upstream.port,
        method: from.method,
        path: from.url,
        headers: from.headers,
      },
      (answer) => {
        if (fault === undefined || fault.kind === 'corrupt-body') {
          to.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(to)
          return
        }
        const pieces: Buffer[] = []
        answer.on('data', (piece: Buffer) => pieces.push(piece))
        answer.on('end', () => {
          if (fault.kind === 'lose-answer') return from.socket.resetAndDestroy()
          if (fault.kind === 'forge-answer') return reply(to, fault)
          const whole = Buffer.concat(pieces)
          to.writeHead(answer.statusCode ?? 502, answer.headers)
          to.write(whole.subarray(0, whole.length >> 1), () => from.socket.resetAndDestroy())
        })
      },
    )
    forward.on('error', () => from.socket.destroy())
    to.on('close', () => forward.destroy())
    if (fault?.kind === 'corrupt-body') from.pipe(flipFirstBit()).pipe(forward)
    else from.pipe(forward)
  }

  const server = createServer((from, to) => {
    const request = seenRequest(from)
    seen.push(request)
    const fault = strike(request)
    // The client may be gone before its request is answered: that is what these tests are about.
    from.on('error', () => undefined)
    if (fault?.kind === 'stall') from.pause()
    else if (fault?.kind === 'reset') from.once('data', () => from.socket.resetAndDestroy())
    else if (fault?.kind === 'answer') {
      from.resume()
      from.on('end', () => reply(to, fault))
    } else pass(from, to, fault)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    count: (operation) => seen.filter((one) => one.operation === operation).length,
    inject(...next) {
      faults = next.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }))
    },
    struck: () => new Promise((resolve) => waiting.push(resolve)),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function flipFirstBit(): Transform {
  let flipped = false
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const next = Buffer.from(piece)
      if (!flipped) next.writeUInt8(next.readUInt8(0) ^ 1, 0)
      flipped = true
      done(null, next)
    },
  })
}

function reply(to: ServerResponse, { status = 200, headers = {}, body = '' }: HttpFault): void {
  to.writeHead(status, { 'content-type': 'application/xml', ...headers })
  to.end(body)
}

/** The body of an S3 error. */
export function s3Error(code: string, message: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`
}

function seenRequest(from: IncomingMessage): SeenRequest {
  const url = new URL(from.url ?? '/', 'http://proxy.invalid')
  const method = from.method ?? ''
  const query = url.searchParams
  const isBucket = url.pathname.split('/').filter((step) => step !== '').length < 2
  const partNumber = query.get('partNumber')
  return {
    method,
    operation: operationOf(method, query, isBucket),
    partNumber: partNumber === null ? undefined : Number(partNumber),
    accessKeyId: /Credential=([^/]+)/.exec(from.headers.authorization ?? '')?.[1],
  }
}

function operationOf(method: string, query: URLSearchParams, isBucket: boolean): string {
  if (query.has('uploads')) return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads'
  if (query.has('uploadId')) {
    if (method === 'PUT') return 'UploadPart'
    return method === 'POST' ? 'CompleteMultipartUpload' : 'AbortMultipartUpload'
  }
  if (query.has('delete')) return 'DeleteObjects'
  if (isBucket) return method === 'HEAD' ? 'HeadBucket' : 'ListObjectsV2'
  return { HEAD: 'HeadObject', GET: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject' }[method] ?? method
}
