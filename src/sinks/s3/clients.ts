import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { systemClock } from '../../core/clock.ts'
import { failureName, failureStatus } from './explain.ts'
import type { S3SinkOptions, S3Timeouts } from './place.ts'
import { trustedWith } from './tls-ca.ts'

/** The SDK's client, and new ones with new credentials as the old expire. All share their connections. */
export interface Clients {
  current(): S3Client
  /** Does it again with fresh credentials where it fails because they have expired. It must be repeatable. */
  use<T>(send: (client: S3Client) => Promise<T>, signal: AbortSignal): Promise<T>
  destroy(): void
}

const ATTEMPTS = 10
/** Looks for new credentials before an expiry is final: whoever writes them may be some seconds late. */
const RENEWALS = 3
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'])

export function createClients(options: S3SinkOptions, timeouts: S3Timeouts): Clients {
  const config = clientConfig(options, timeouts)
  let client = new S3Client(config)
  return {
    current: () => client,
    async use(send, signal) {
      for (let renewal = 1; ; renewal += 1) {
        const used = client
        try {
          return await send(used)
        } catch (thrown) {
          const renewals = EXPIRED.has(failureName(thrown)) ? RENEWALS : mayHaveExpired(thrown) ? 1 : 0
          if (signal.aborted || renewal > renewals) throw thrown
          if (renewal > 1) await systemClock.sleep(timeouts.renewalMs, signal)
          // Another request may have been first. A client remembers keys that say no expiry for good: only a new one asks.
          if (client === used) client = new S3Client(config)
        }
      }
    },
    // The connections are those of the handler, which all have in common.
    destroy: () => client.destroy(),
  }
}

/** The answer to a HEAD has no body to say so: a bare 400 is all there is. */
function mayHaveExpired(thrown: unknown): boolean {
  return failureStatus(thrown) === 400 && /^(Unknown|UnknownError|BadRequest|400)?$/.test(failureName(thrown))
}

function clientConfig(options: S3SinkOptions, timeouts: S3Timeouts) {
  const region = options.region ?? (options.endpoint === undefined ? undefined : 'us-east-1')
  const config: S3ClientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.pathStyle === undefined ? {} : { forcePathStyle: options.pathStyle }),
    // Checksums are ours to send and to compare; what the SDK adds by default many S3-compatibles refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: options.attempts ?? ATTEMPTS,
    retryMode: 'standard',
    requestHandler: new NodeHttpHandler({
      connectionTimeout: timeouts.connectMs,
      socketTimeout: timeouts.idleMs,
      requestTimeout: timeouts.requestMs,
      // Without it the SDK only warns.
      throwOnRequestTimeout: true,
      ...agents(options.tlsCa),
    }),
  }
  // Handed through to the provider of credentials, which otherwise never reads a shared file a second time (client-s3 3.1169).
  return { ...config, ignoreCache: true }
}

/**
 * Agents and not options for them: for every body with `Expect: 100-continue` (2 MiB and more) the SDK makes an agent of
 * its own unless it was given one (node-http-handler 4). That would forget the CA, and cost a connection, a TLS handshake
 * and a slow start for each part: seconds between regions.
 */
function agents(tlsCa: string | undefined): { httpAgent: HttpAgent; httpsAgent: HttpsAgent } {
  const kept = { keepAlive: true, maxSockets: 50 }
  return {
    httpAgent: new HttpAgent(kept),
    httpsAgent: new HttpsAgent(tlsCa === undefined ? kept : { ...kept, ca: trustedWith(tlsCa) }),
  }
}
