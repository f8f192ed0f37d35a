import type { Clock } from '../../core/clock.ts'
import { parseDatabaseUrl } from '../../core/database-url.ts'
import { messageOf, throwIfAborted } from '../../core/errors.ts'
import type { Sink } from '../../core/sink.ts'
import { openBucketPosture } from '../doctor-bucket.ts'
import { type ReadLastDrill, readDrillHistory } from './drill-history.ts'
import type { DrillHistory } from './drill-rule.ts'
import type { BucketFact, DumpFacts } from './dump-rules.ts'
import type { Known } from './rule.ts'

export interface DumpFactsRequest {
  readonly job: string
  /** URL of the database. */
  readonly source: string
  /** Of the keys that open the backup. */
  readonly fingerprints: () => Promise<readonly string[]>
  readonly signed: boolean
  /** URLs of all sinks. */
  readonly sinks: readonly string[]
  /** URL of the bucket beside the server, through which the data passes. */
  readonly staging: string | undefined
  readonly audit: boolean
  readonly verify: boolean
  readonly rtoMs: number | undefined
  readonly rpoMs: number | undefined
  readonly drillMaxAgeMs: number
  readonly clock: Clock
  readonly ask: Ask
}

/** The places to ask, or why none of them is. */
export type Ask =
  | { readonly sinks: readonly Sink[]; readonly lastDrill: ReadLastDrill }
  | { readonly notAsked: string }

/** What the rules for a dump look at. Only what the URLs don't tell is asked of the places, each wait bounded. */
export async function gatherDumpFacts(request: DumpFactsRequest, signal: AbortSignal): Promise<DumpFacts> {
  const { source, signed, audit, verify, rtoMs, rpoMs, drillMaxAgeMs, clock } = request
  const [recipients, buckets, history] = await Promise.all([
    countKeys(request, signal),
    Promise.all(bucketUrls(request).map((url) => lookAtBucket(url, request, signal))),
    drillHistory(request, signal),
  ])
  const { tls, socket } = parseDatabaseUrl(source)
  return {
    recipients,
    connection: socket === undefined ? tls : 'socket',
    signed,
    buckets: buckets.filter((bucket) => bucket !== undefined),
    audit,
    drill: { history, maxAgeMs: drillMaxAgeMs, now: clock.now() },
    verify,
    rtoMs,
    rpoMs,
  }
}

/** Two files may hold the same key: whoever has lost it has lost it twice. */
async function countKeys({ fingerprints }: DumpFactsRequest, signal: AbortSignal): Promise<Known<number>> {
  try {
    return { known: true, value: new Set(await fingerprints()).size }
  } catch (thrown) {
    throwIfAborted(signal)
    return { known: false, reason: messageOf(thrown) }
  }
}

interface BucketUrl {
  readonly url: string
  /** What holds where the URL says nothing; undefined: the bucket's own default. */
  readonly unsaid: 'kms' | undefined
}

function bucketUrls({ sinks, staging }: DumpFactsRequest): readonly BucketUrl[] {
  return [
    ...sinks.map((url) => ({ url, unsaid: undefined })),
    // Its own default, see sinks/s3/staging.ts.
    ...(staging === undefined ? [] : [{ url: staging, unsaid: 'kms' as const }]),
  ]
}

/** What the URL asks of S3 is proven by each write, which fails where the answer says otherwise. */
async function lookAtBucket(
  { url, unsaid }: BucketUrl,
  { ask }: DumpFactsRequest,
  signal: AbortSignal,
): Promise<BucketFact | undefined> {
  if (!/^s3:/i.test(url)) return undefined
  const { parseS3SinkUrl } = await import('../../sinks/s3/index.ts')
  const location = parseS3SinkUrl(url)
  const name = `s3://${location.bucket}`
  const sse = location.sse ?? unsaid
  if (sse !== undefined) {
    return { name, encryption: { known: true, value: sse === 'kms' ? 'aws:kms' : 'AES256' } }
  }
  if ('notAsked' in ask) {
    return { name, encryption: { known: false, reason: `the URL does not say, and ${ask.notAsked}` } }
  }
  await using posture = await openBucketPosture(url)
  if (posture === undefined) return undefined
  const encryption = await posture.defaultEncryption(signal)
  return { name, encryption: encryption.known ? encryption : { known: false, reason: encryption.reason } }
}

async function drillHistory(
  { ask, job }: DumpFactsRequest,
  signal: AbortSignal,
): Promise<Known<DrillHistory>> {
  if ('notAsked' in ask) return { known: false, reason: ask.notAsked }
  return readDrillHistory({ ...ask, job }, signal)
}
