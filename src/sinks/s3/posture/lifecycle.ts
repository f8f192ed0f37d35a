import type { LifecycleRule } from '@aws-sdk/client-s3'

const RULE_ID = 'lifeboat-abort-incomplete-uploads'
export const ABORT_AFTER_DAYS = 7

/** Days after which an upload below the prefix is aborted by itself; undefined where no rule does so for all of them. */
export function abortsUploadsAfterDays(rules: readonly LifecycleRule[], prefix: string): number | undefined {
  const root = prefix === '' ? '' : `${prefix}/`
  const days = rules.flatMap((rule) => {
    const after = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation
    const start = startOf(rule)
    const holds =
      rule.Status === 'Enabled' && after !== undefined && start !== undefined && root.startsWith(start)
    return holds ? [after] : []
  })
  return days.length === 0 ? undefined : Math.min(...days)
}

/** What a rule's keys begin with; undefined where it looks at tags or sizes too. */
function startOf({ Filter, Prefix }: LifecycleRule): string | undefined {
  if (Filter === undefined) return Prefix ?? ''
  const { Prefix: start = '', And, ...more } = Filter
  if (Object.values(more).some((value) => value !== undefined)) return undefined
  if (And === undefined) return start
  const { Prefix: common = '', ...others } = And
  return Object.values(others).some((value) => value !== undefined) ? undefined : common
}

/** The rules with one more, which replaces an older one of the same name; all others stay. */
export function withUploadsAborted(rules: readonly LifecycleRule[]): LifecycleRule[] {
  const others = rules.filter(({ ID }) => ID !== RULE_ID)
  return [
    ...others.map(withFilter),
    {
      ID: RULE_ID,
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: ABORT_AFTER_DAYS },
    },
  ]
}

/** "Base level prefix cannot be used in Lifecycle V2": S3 takes no mix of old rules, without a filter, and new ones. */
function withFilter({ Prefix, ...rule }: LifecycleRule): LifecycleRule {
  return rule.Filter === undefined ? { ...rule, Filter: { Prefix: Prefix ?? '' } } : rule
}
