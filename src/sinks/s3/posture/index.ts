import { GetBucketEncryptionCommand, GetBucketPolicyCommand, HeadBucketCommand } from '@aws-sdk/client-s3'
import { throwIfAborted } from '../../../core/errors.ts'
import type { Finding } from '../../../core/finding.ts'
import { withTimeLimit } from '../../../core/time-limit.ts'
import { failureStatus } from '../explain.ts'
import { createPlace, type Place, type S3SinkOptions } from '../place.ts'
import { askFact, type BucketFacts, type Fact, readFacts } from './facts.ts'
import { type DatabasePlace, describeFacts } from './findings.ts'
import { parsePolicy } from './policy.ts'
import { creation, type LogBucket, planRemedies, type Remedy } from './remedies.ts'
import { applyStep, commandLine } from './step.ts'

export type { DatabasePlace } from './findings.ts'
export type { Remedy } from './remedies.ts'

export interface RemedyChoice {
  /** Where access logs go; made if it is not there. */
  readonly logBucket: string
  readonly lockDays: number
}

/** How a bucket is guarded, and what it takes to guard it well. Every wait is bounded. */
export interface BucketPosture extends AsyncDisposable {
  readonly name: string
  readonly bucket: string
  look(database: DatabasePlace | undefined, signal: AbortSignal): Promise<Look>
  /** How what is written with no word about it is encrypted: `aws:kms`, `AES256`; undefined for not at all. */
  defaultEncryption(signal: AbortSignal): Promise<Fact<string | undefined>>
  /** What is missing, as far as it could be asked. Changes nothing. */
  remedies(choice: RemedyChoice, signal: AbortSignal): Promise<readonly Remedy[]>
  /** Makes the bucket itself; one of one's own that is there already is left as it is. */
  creation(): Remedy
  /** For the operator's own hands, one line for each step. */
  commands(remedy: Remedy): readonly string[]
  apply(remedy: Remedy, signal: AbortSignal): Promise<void>
}

export interface Look {
  readonly findings: readonly Finding[]
  /** Whether all of it could be asked. */
  readonly complete: boolean
}

/** All questions go out at once, so this is the bound of a look at a place that is dead. */
const LOOK_MS = 10_000
const ATTEMPTS = 2

export function createBucketPosture(options: S3SinkOptions): BucketPosture {
  const timeouts = { connectMs: 3_000, idleMs: 4_000, requestMs: 8_000, ...options.timeouts }
  const place = createPlace({ attempts: ATTEMPTS, ...options, timeouts })
  const read = async (signal: AbortSignal): Promise<BucketFacts> => {
    const bounded = withTimeLimit(signal, LOOK_MS)
    try {
      return await readFacts(place, bounded)
    } catch (thrown) {
      if (signal.aborted || !bounded.aborted) throw thrown
      return nothingKnown()
    }
  }
  return {
    name: place.name,
    bucket: options.bucket,
    async look(database, signal) {
      const facts = await read(signal)
      const complete = Object.values(facts).every(({ known }) => known)
      return { findings: describeFacts(facts, place, database), complete }
    },
    async defaultEncryption(signal) {
      const bounded = withTimeLimit(signal, LOOK_MS)
      try {
        return await askFact(
          place,
          bounded,
          (client, sent) => client.send(new GetBucketEncryptionCommand({ Bucket: options.bucket }), sent),
          ({ ServerSideEncryptionConfiguration: { Rules = [] } = {} }) =>
            Rules[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm,
        )
      } catch (thrown) {
        if (signal.aborted || !bounded.aborted) throw thrown
        return noAnswer()
      }
    },
    async remedies({ logBucket, lockDays }, signal) {
      const facts = await read(signal)
      const logs = facts.logging.known ? await lookAtLogs(place, logBucket, signal) : undefined
      return planRemedies(facts, place, { logs, lockDays })
    },
    creation: () => creation(place),
    commands: ({ steps }) => steps.map((step) => commandLine(step, place)),
    async apply({ steps }, signal) {
      for (const step of steps) await applyStep(step, place, signal)
    },
    async [Symbol.asyncDispose]() {
      place.destroy()
    },
  }
}

function noAnswer() {
  return { known: false, why: 'unreachable', reason: `no answer within ${LOOK_MS / 1000} s` } as const
}

function nothingKnown(): BucketFacts {
  const fact = noAnswer()
  return {
    region: fact,
    publicAccess: fact,
    encryption: fact,
    policy: fact,
    versioning: fact,
    logging: fact,
    objectLock: fact,
    lifecycle: fact,
  }
}

/** Undefined where its policy can't be seen: what can't be seen can't be added to. */
async function lookAtLogs(place: Place, name: string, signal: AbortSignal): Promise<LogBucket | undefined> {
  const deed = { verb: 'look at', noun: 'bucket', name } as const
  try {
    await place.call(deed, signal, (client, options) =>
      client.send(new HeadBucketCommand({ Bucket: name }), options),
    )
  } catch (thrown) {
    throwIfAborted(signal)
    if (failureStatus(thrown) !== 404) return undefined
    return { name, exists: false, policy: undefined }
  }
  const policy = await askFact(
    place,
    signal,
    (client, options) => client.send(new GetBucketPolicyCommand({ Bucket: name }), options),
    ({ Policy }) => (Policy === undefined || Policy === '' ? undefined : parsePolicy(Policy)),
  )
  return policy.known ? { name, exists: true, policy: policy.value } : undefined
}
