import type { S3Client } from '@aws-sdk/client-s3'
import { abortReason, LifeboatError, throwIfAborted } from '../../core/errors.ts'
import { CHUNK_BYTES } from '../../core/sink.ts'
import { createSlots, type Slots } from '../../core/slots.ts'
import { withTimeLimit } from '../../core/time-limit.ts'
import { orAborted } from '../../core/until-aborted.ts'
import type { UploadJournal } from '../../core/upload-journal.ts'
import { CHECKSUMS, type Checksum } from './checksum.ts'
import { createClients } from './clients.ts'
import { type Deed, explainS3Failure } from './explain.ts'
import type { S3Location } from './url.ts'

export interface S3Timeouts {
  /** To have a TCP connection. */
  readonly connectMs: number
  /** Without a byte either way. */
  readonly idleMs: number
  /** From the first byte of a request to the head of its answer: 16 MiB at 64 KiB/s take 256 s. */
  readonly requestMs: number
  /** To find credentials: an instance role's service that is not there must not hold anybody up. */
  readonly credentialsMs: number
  /** For what is removed after a failure, all together. */
  readonly cleanupMs: number
  /** Between looks for new credentials once they have expired in the middle of a run. */
  readonly renewalMs: number
}

export interface S3SinkOptions extends S3Location {
  /** Remembers uploads that are under way beyond the end of the process. */
  readonly journal?: UploadJournal
  readonly timeouts?: Partial<S3Timeouts>
  /** Tries for one request, the first included. */
  readonly attempts?: number
  /** Parts on their way at the same time, over all writes of the sink: memory is this many chunks, and one per write. */
  readonly partsInFlight?: number
  /** Shorter parts than CHUNK_BYTES, for tests of many parts; S3 itself wants 5 MiB at least. */
  readonly chunkBytes?: number
}

/** A bucket, how to call it, and what was learned about it on the way. */
export interface Place {
  readonly location: S3Location
  readonly name: string
  /** Names the bucket for the journal: the same bucket name may exist at several endpoints. */
  readonly journalName: string
  readonly journal: UploadJournal | undefined
  readonly timeouts: S3Timeouts
  readonly chunkBytes: number
  readonly maxParts: number
  readonly slots: Slots
  readonly learned: Learned
  /** Bucket and key, as every request names an object. */
  at(key: string): { Bucket: string; Key: string }
  prefixed(key: string): string
  /** Throws `sink-denied` where there are no credentials: before any long work. */
  checkCredentials(signal: AbortSignal): Promise<void>
  /** One request, retried by the SDK; ends soon after the signal, and throws LifeboatErrors only. */
  call<T>(deed: Deed, signal: AbortSignal, send: Send<T>): Promise<T>
  destroy(): void
}

export type Send<T> = (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>

interface Learned {
  /** Undefined once the place turned out not to answer with checksums: Content-MD5 proves the bytes instead. */
  checksum: Checksum | undefined
  /** Undefined: not known yet. */
  exclusiveCreate: boolean | undefined
  bucketExists: boolean
  batchDelete: boolean
}

const TIMEOUTS: S3Timeouts = {
  connectMs: 10_000,
  idleMs: 20_000,
  requestMs: 300_000,
  credentialsMs: 10_000,
  cleanupMs: 10_000,
  renewalMs: 3_000,
}
const PARTS_IN_FLIGHT = 3
const S3_MAX_PARTS = 10_000

export function createPlace(options: S3SinkOptions): Place {
  const timeouts = { ...TIMEOUTS, ...options.timeouts }
  const clients = createClients(options, timeouts)
  const root = options.prefix === '' ? '' : `${options.prefix}/`
  const choice = options.checksum ?? 'auto'
  const call: Place['call'] = async (deed, signal, send) => {
    throwIfAborted(signal)
    try {
      return await clients.use(
        // The SDK sleeps between its tries without a look at the signal, up to 20 s.
        (client) => orAborted(send(client, { abortSignal: signal }), signal),
        signal,
      )
    } catch (thrown) {
      throw signal.aborted ? abortReason(signal) : explainS3Failure(thrown, deed, options)
    }
  }
  return {
    location: options,
    name: `s3://${options.bucket}${root === '' ? '' : `/${options.prefix}`}`,
    journalName: `s3://${options.bucket}${options.endpoint === undefined ? '' : `?endpoint=${options.endpoint}`}`,
    journal: options.journal,
    timeouts,
    chunkBytes: options.chunkBytes ?? CHUNK_BYTES,
    maxParts: options.maxParts ?? S3_MAX_PARTS,
    slots: createSlots(options.partsInFlight ?? PARTS_IN_FLIGHT),
    learned: {
      checksum: choice === 'off' ? undefined : CHECKSUMS[choice === 'auto' ? 'crc32' : choice],
      // AWS itself honours If-None-Match since 2024; about others only a trial tells.
      exclusiveCreate: options.exclusiveCreate ?? (options.endpoint === undefined ? true : undefined),
      bucketExists: false,
      batchDelete: true,
    },
    at: (key) => ({ Bucket: options.bucket, Key: root + key }),
    prefixed: (key) => root + key,
    async checkCredentials(signal) {
      const bounded = withTimeLimit(signal, timeouts.credentialsMs)
      try {
        await orAborted(clients.current().config.credentials(), bounded)
      } catch (thrown) {
        throwIfAborted(signal)
        const deed = { verb: 'open', noun: 'sink', name: `s3://${options.bucket}` } as const
        if (bounded.aborted) {
          throw new LifeboatError(
            'sink-denied',
            `unable to open sink '${deed.name}': no credentials were found in time`,
            {
              hint: 'Give credentials by environment or profile: the service that should give them does not answer.',
            },
          )
        }
        throw explainS3Failure(thrown, deed, options)
      }
    },
    call,
    destroy: () => clients.destroy(),
  }
}
