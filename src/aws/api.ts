import { NodeHttpHandler } from '@smithy/node-http-handler'
import { abortReason, LifeboatError, throwIfAborted } from '../core/errors.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { orAborted } from '../core/until-aborted.ts'
import { IncompleteAnswer } from './answer.ts'
import { type Deed, explain, noAnswer } from './explain.ts'
import { hasExpired } from './failure.ts'

/** What every client of the SDK is made with. */
export interface ClientSettings {
  readonly region: string
  readonly endpoint?: string
  readonly profile?: string
  readonly maxAttempts: number
  readonly requestHandler: NodeHttpHandler
}

/** What every client of the SDK is. */
export interface AwsClient {
  readonly config: { readonly credentials: () => Promise<unknown> }
}

export interface CallOptions {
  readonly abortSignal: AbortSignal
}

export interface ApiTimeouts {
  readonly connectMs: number
  readonly credentialsMs: number
  /** Of a whole call of a port, whatever it asks. */
  readonly callMs: number
}

export const API_TIMEOUTS: ApiTimeouts = { connectMs: 3_000, credentialsMs: 10_000, callMs: 30_000 }

export interface ApiSettings {
  readonly region: string
  /** Where the control plane is, for messages, if that is another. */
  readonly controlRegion?: string
  readonly endpoint?: string
  readonly profile?: string
  readonly timeouts: ApiTimeouts
}

/** One service of one region. */
export interface Api<Client> {
  readonly region: string
  /** Bounded, tried once, its failure a fault. What `work` asks must be safe to ask again up to what was refused. */
  call<Result>(
    deed: Deed,
    signal: AbortSignal,
    work: (client: Client, options: CallOptions) => Promise<Result>,
  ): Promise<Result>
  destroy(): void
}

export function createApi<Client extends AwsClient>(
  settings: ApiSettings,
  open: (settings: ClientSettings) => Client,
): Api<Client> {
  const { region, timeouts } = settings
  const shown = settings.controlRegion ?? region
  // All clients of an API share their connections.
  const requestHandler = createRequestHandler(timeouts)
  let client: Client | undefined

  async function attempt<Result>(
    deed: Deed,
    end: AbortSignal,
    work: (client: Client, options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    client ??= open(clientSettings(settings, requestHandler))
    const used = client
    try {
      await credentials(used, deed, end)
      return await orAborted(work(used, { abortSignal: end }), end)
    } catch (thrown) {
      // A client remembers keys that say no expiry for good: only a new one asks for others.
      if (hasExpired(thrown) && client === used) client = undefined
      throw thrown
    }
  }

  async function credentials(used: Client, deed: Deed, end: AbortSignal): Promise<void> {
    const limited = withTimeLimit(end, timeouts.credentialsMs)
    try {
      await orAborted(used.config.credentials(), limited)
    } catch (thrown) {
      if (limited.aborted && !end.aborted) throw noAnswer(deed, shown, 'credentials', timeouts.credentialsMs)
      throw thrown
    }
  }

  return {
    region,
    async call(deed, signal, work) {
      throwIfAborted(signal)
      const end = withTimeLimit(signal, timeouts.callMs)
      try {
        return await attempt(deed, end, work).catch((thrown: unknown) => {
          // Refused, so not carried out: with fresh credentials it is still the first try.
          if (end.aborted || !hasExpired(thrown)) throw thrown
          return attempt(deed, end, work)
        })
      } catch (thrown) {
        if (signal.aborted) throw abortReason(signal)
        if (end.aborted) throw noAnswer(deed, shown, 'answer', timeouts.callMs)
        throw thrown instanceof LifeboatError
          ? thrown
          : explain(thrown, deed, { region: shown, profile: settings.profile })
      }
    },
    destroy: () => requestHandler.destroy(),
  }
}

function createRequestHandler({ connectMs, callMs }: ApiTimeouts): NodeHttpHandler {
  const handler = new NodeHttpHandler({
    connectionTimeout: connectMs,
    socketTimeout: callMs,
    requestTimeout: callMs,
    // Without it the SDK only warns.
    throwOnRequestTimeout: true,
  })
  const handle = handler.handle.bind(handler)
  handler.handle = async (request, options) => {
    const answer = await handle(request, options)
    refuseStrangers(answer.response)
    return answer
  }
  return handler
}

/**
 * The SDK takes any page of a proxy that comes with status 200 for an empty answer: a change would count as accepted. One with 403 or
 * 404 would pass for a word of AWS. What is 5xx is no answer anyway.
 */
function refuseStrangers({ statusCode, headers }: HttpAnswer): void {
  const isAws = Object.keys(headers).some((name) => /^x-amzn?-request-?id$/i.test(name))
  if (statusCode < 500 && !isAws && !/xml|json/i.test(headers['content-type'] ?? '')) {
    throw new IncompleteAnswer('request id of AWS: somebody else gave it')
  }
}

interface HttpAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}

function clientSettings(
  { region, endpoint, profile }: ApiSettings,
  requestHandler: NodeHttpHandler,
): ClientSettings {
  const settings = {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
    maxAttempts: 1,
    requestHandler,
  }
  // Handed through to the provider of credentials, which otherwise never reads a shared file a second time.
  return { ...settings, ...{ ignoreCache: true } }
}
