import { type Fault, faultOf } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { CliLine } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { aws } from './aws-cli.ts'
import { wrongWith } from './key-check.ts'
import { judgeKeyPolicy } from './key-policy.ts'
import type { Caller } from './ports/iam.ts'
import type { CloudPorts } from './ports.ts'

/** What a copy between regions needs of a key: RDS works by a grant that the caller makes. */
const NEEDED = ['kms:CreateGrant', 'kms:DescribeKey'] as const
/** RDS says `not authorized`, `Invalid KMS key` or `snapshot copy has been failed`, and not which key, nor why. */
const ABOUT_KEYS: readonly (Fault | undefined)[] = ['key', 'denied', 'invalid']

export interface CopyKeys {
  /** That the snapshot lies under; undefined where it is not encrypted. */
  readonly source: string | undefined
  readonly target: string | undefined
}

/** What is wrong with the keys of a copy that failed, found by looking at each; empty where nothing is to be seen. */
export async function keyCauses(
  { source, target }: CopyKeys,
  ports: CloudPorts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const caller = await tried(() => ports.iam.caller(signal))
  const causes: string[] = []
  for (const [arn, isInUse] of [
    [source, true],
    [target, false],
  ] as const) {
    if (arn === undefined) continue
    for (const cause of await causesOf(arn, isInUse, caller.value, ports, signal))
      causes.push(`key ${arn}: ${cause}`)
  }
  return causes
}

/** What looking at the keys of a failed copy has shown, as it is added to the failure. */
export interface KeyFinding {
  readonly causes: readonly string[]
  readonly reason: string
  readonly hint: string
}

/** Undefined where the copy has no key. */
export async function lookAtKeys(
  keys: CopyKeys,
  ports: CloudPorts,
  signal: AbortSignal,
): Promise<KeyFinding | undefined> {
  const count = [keys.source, keys.target].filter((key) => key !== undefined).length
  if (count === 0) return undefined
  const causes = await keyCauses(keys, ports, signal)
  if (causes.length > 0) return { causes, reason: causes.join('; '), hint: MEND_KEY }
  const looked = count === 1 ? 'its key was looked at' : 'both keys were looked at'
  return {
    causes,
    reason: `${looked}, and nothing is wrong with ${count === 1 ? 'it' : 'them'}`,
    hint: `Give this account what --print-policy shows. If it has that, CloudTrail says which call of KMS was refused, and why: ${shellLine(refusals(ports.target.region))} ; mend what it says.`,
  }
}

/** The same failure with its cause, as far as looking finds one. */
export async function withKeyCauses<T>(
  keys: CopyKeys,
  ports: CloudPorts,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof LifeboatError) || !ABOUT_KEYS.includes(faultOf(thrown))) throw thrown
    const found = await lookAtKeys(keys, ports, signal)
    if (found === undefined) throw thrown
    throw new LifeboatError(thrown.code, `${thrown.message}; ${found.reason}`, {
      hint: found.hint,
      cause: thrown,
      details: { ...thrown.details, causes: found.causes },
    })
  }
}

const MEND_KEY =
  'Mend that key or its policy (--print-policy prints what it must allow), or name another with --kms-key.'

/** RDS asks KMS in the caller's name: CloudTrail has each such call, with its error. */
function refusals(region: string): CliLine {
  return aws(region, 'cloudtrail', 'lookup-events', {
    'lookup-attributes': 'AttributeKey=EventSource,AttributeValue=kms.amazonaws.com',
    'max-items': 20,
    query: 'Events[].CloudTrailEvent',
  })
}

async function causesOf(
  arn: string,
  isInUse: boolean,
  caller: Caller | undefined,
  { source, target }: CloudPorts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [, , , named] = arn.split(':')
  // An alias or an id has no region in it: it is of the region that it is used in.
  const own = isInUse ? source : target
  const ports = [own, source, target].find(({ region }) => region === named) ?? own
  if (named !== undefined && named !== own.region) return [wrongWith(undefined, arn, own.region) ?? '']
  const looked = await tried(() => ports.kms.key(arn, signal))
  if (looked.failed !== undefined) return [`it can not be looked at: ${looked.failed}`]
  const key = looked.value
  // AWS's own key does for what lies under it already.
  const judged = isInUse && key?.managedBy === 'aws' ? { ...key, managedBy: 'customer' as const } : key
  const wrong = wrongWith(judged, arn, own.region)
  if (wrong !== undefined) return [wrong]
  if (key === undefined || key.managedBy === 'aws' || caller === undefined) return []
  const policy = await tried(() => ports.kms.policy(key.id, signal))
  if (policy.value === undefined)
    return policy.failed === undefined ? [] : [`its policy can not be looked at: ${policy.failed}`]
  const text = policy.value
  return NEEDED.flatMap((action) => {
    const { decision, reason } = judgeKeyPolicy(text, caller, action)
    return decision === 'denied' ? [`${action} of ${caller.arn}: ${reason}`] : []
  })
}

/** A look that fails is no cause by itself, and must not hide the failure that is being explained. */
async function tried<T>(
  work: () => Promise<T>,
): Promise<{ readonly value?: T | undefined; readonly failed?: string }> {
  try {
    return { value: await work() }
  } catch (thrown) {
    if (faultOf(thrown) === undefined) throw thrown
    return { failed: messageOf(thrown) }
  }
}
