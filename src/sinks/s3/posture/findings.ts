import type { Finding } from '../../../core/finding.ts'
import { shellQuote } from '../../../core/shell-quote.ts'
import type { Place } from '../place.ts'
import { toS3SinkUrl } from '../url.ts'
import type { BucketFacts, Fact } from './facts.ts'
import { abortsUploadsAfterDays } from './lifecycle.ts'
import { plainHttpGaps } from './policy.ts'
import { blocksAll, encryptionIsFine, targetOf } from './remedies.ts'

/** What a fact is called, and the right that it takes to see it. */
const FACTS = {
  region: ['region', 's3:ListBucket'],
  publicAccess: ['public access', 's3:GetBucketPublicAccessBlock'],
  encryption: ['encryption', 's3:GetEncryptionConfiguration'],
  policy: ['TLS only', 's3:GetBucketPolicy'],
  versioning: ['versioning', 's3:GetBucketVersioning'],
  objectLock: ['Object Lock', 's3:GetBucketObjectLockConfiguration'],
  logging: ['access logging', 's3:GetBucketLogging'],
  lifecycle: ['incomplete uploads', 's3:GetLifecycleConfiguration'],
} as const satisfies Record<keyof BucketFacts, readonly [string, string]>
type FactName = keyof typeof FACTS

/** Of the database that is to be dumped; its region is undefined where its host does not tell. */
export interface DatabasePlace {
  readonly region: string | undefined
}

/** One line for each fact, and one for all that could not be asked for the same reason. None is ever a failure. */
export function describeFacts(
  facts: BucketFacts,
  place: Place,
  database: DatabasePlace | undefined,
): readonly Finding[] {
  const { bucket, prefix } = place.location
  const fix = `lifeboat doctor --to ${shellQuote(toS3SinkUrl(place.location))} --fix-bucket shows how to mend it.`
  const say = <T>(
    name: FactName,
    fact: Fact<T>,
    judge: (value: T) => string | { readonly lacks: string },
  ) => {
    if (!fact.known) return []
    const judged = judge(fact.value)
    const topic = FACTS[name][0]
    return typeof judged === 'string'
      ? [{ level: 'ok' as const, topic, message: judged }]
      : [{ level: 'warning' as const, topic, message: judged.lacks, hint: fix }]
  }
  return [
    ...regionFinding(facts, bucket, database),
    ...say('publicAccess', facts.publicAccess, (block) =>
      blocksAll(block)
        ? `bucket ${bucket} blocks it`
        : {
            lacks: `bucket ${bucket} does not block all of it: one wrong policy or ACL would open it to everybody`,
          },
    ),
    ...say('encryption', facts.encryption, (rule) => {
      const by = rule?.ApplyServerSideEncryptionByDefault
      if (encryptionIsFine(rule, place)) return `bucket ${bucket} encrypts with ${by?.SSEAlgorithm}`
      return {
        lacks:
          by?.SSEAlgorithm === undefined
            ? `bucket ${bucket} has no default encryption`
            : `bucket ${bucket} encrypts with ${by.SSEAlgorithm}; with SSE-KMS a leaked right to read would not be enough`,
      }
    }),
    ...say('policy', facts.policy, (policy) => {
      const gaps = plainHttpGaps(policy, targetOf(place))
      if (gaps.length === 0) return `the policy of bucket ${bucket} denies everybody plain HTTP`
      const where = prefix === '' ? '' : ` below ${prefix}/`
      return {
        lacks: `the policy of bucket ${bucket} lets ${gaps.join(', ')}${where} through over plain HTTP`,
      }
    }),
    ...say('versioning', facts.versioning, (status) =>
      status === 'Enabled'
        ? `bucket ${bucket} keeps older versions`
        : { lacks: `bucket ${bucket} keeps no older versions: what is overwritten or deleted is gone` },
    ),
    ...say('objectLock', facts.objectLock, (lock) => {
      const kept = lock?.Rule?.DefaultRetention
      if (kept !== undefined) {
        const time = (kept.Days ?? 0) > 0 ? `${kept.Days} days` : `${kept.Years} years`
        return `bucket ${bucket} locks each version for ${time} (${kept.Mode})`
      }
      return {
        lacks:
          lock?.ObjectLockEnabled === 'Enabled'
            ? `bucket ${bucket} has Object Lock but no default retention: nothing is locked`
            : `bucket ${bucket} has no Object Lock: whoever may delete can destroy every backup`,
      }
    }),
    ...say('logging', facts.logging, (logging) =>
      logging === undefined
        ? { lacks: `bucket ${bucket} has no access logging: nobody can say afterwards who read it` }
        : `bucket ${bucket} logs to ${logging.TargetBucket}`,
    ),
    ...say('lifecycle', facts.lifecycle, ({ rules }) => {
      const days = abortsUploadsAfterDays(rules, prefix)
      return days === undefined
        ? {
            lacks: `no lifecycle rule of bucket ${bucket} aborts uploads that nobody completed: they cost money unseen`,
          }
        : `aborted after ${days} days by a lifecycle rule`
    }),
    ...unknownFindings(facts, bucket),
  ]
}

function regionFinding(
  { region }: BucketFacts,
  bucket: string,
  database: DatabasePlace | undefined,
): readonly Finding[] {
  if (!region.known || region.value === undefined) return []
  const where = `bucket ${bucket} is in ${region.value}`
  const topic = FACTS.region[0]
  if (database === undefined) return [{ level: 'ok', topic, message: where }]
  if (database.region === undefined) {
    return [{ level: 'ok', topic, message: `${where}; the host of the database does not tell its region` }]
  }
  if (database.region !== region.value) {
    return [{ level: 'ok', topic, message: `${where}, the database in ${database.region}` }]
  }
  return [
    {
      level: 'warning',
      topic,
      message: `${where}, as the database is: what takes one away takes the other`,
      hint: 'Dump to a bucket in another region, or copy there: list a second sink in the job.',
    },
  ]
}

function unknownFindings(facts: BucketFacts, bucket: string): readonly Finding[] {
  const names = Object.keys(FACTS) as FactName[]
  const byReason = Map.groupBy(
    names.filter((name) => !facts[name].known),
    (name) => {
      const fact = facts[name]
      // Each denial names its own action; the hint lists them all.
      return fact.known ? '' : fact.why === 'denied' ? 'access denied' : fact.reason
    },
  )
  return [...byReason].map(([reason, unknown]) => {
    const rights = unknown.map((name) => FACTS[name][1]).join(', ')
    const fact = facts[unknown[0] as FactName]
    const hints = {
      denied: `A dump works without: let these credentials do ${rights} to see it, or ask the bucket's owner.`,
      'not-offered': 'Look in the manual of this S3-compatible for how it guards a bucket.',
      unreachable: 'A dump may work all the same; look again later.',
    }
    return {
      level: 'warning' as const,
      topic: 'bucket',
      message: `unknown of bucket ${bucket}: ${unknown.map((name) => FACTS[name][0]).join(', ')} (${reason})`,
      hint: fact.known ? '' : hints[fact.why],
    }
  })
}
