import { type Fault, faultOf } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
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

/** The same failure with its cause, where looking finds one. */
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
    const causes = await keyCauses(keys, ports, signal)
    if (causes.length === 0) throw thrown
    throw new LifeboatError(thrown.code, `${thrown.message}; ${causes.join('; ')}`, {
      hint: KEY_HINT,
      cause: thrown,
      details: { ...thrown.details, causes },
    })
  }
}

export const KEY_HINT =
  'Mend that key or its policy (--print-policy prints what it must allow), or name another with --kms-key.'

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
  if (policy.value === undefined) return []
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
