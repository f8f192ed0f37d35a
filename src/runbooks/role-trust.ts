import type { IamRole } from './ports/iam.ts'

interface Statement {
  readonly Effect?: string
  readonly Principal?: unknown
  readonly Action?: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Of RDS of each partition; a role for exports or monitoring names its own, and is not given to a database. */
const RDS = /^rds\.amazonaws\.com(\.cn)?$/

/**
 * Why RDS of a region could not assume a role that a database has, or null. IAM knows no regions, but a policy of trust may: one
 * that names the databases of the old region by `aws:SourceArn` shuts out those of the new one.
 */
export function wrongWithTrust({ trust }: IamRole, region: string, account: string): string | null {
  const statements = statementsOf(trust)
  if (statements === undefined) return 'its policy of trust can not be read'
  const allowing = statements.filter(
    ({ Effect, Principal, Action }) =>
      Effect === 'Allow' && servicesOf(Principal).some((name) => RDS.test(name)) && assumes(Action),
  )
  if (allowing.length === 0) return 'it does not let rds.amazonaws.com assume it'
  const reasons = allowing.map(({ Condition }) => shutOut(Condition ?? {}, region, account))
  return reasons.includes(null) ? null : (reasons[0] ?? null)
}

function statementsOf(trust: string): readonly Statement[] | undefined {
  try {
    const { Statement } = JSON.parse(trust) as { Statement?: Statement | readonly Statement[] }
    return Statement === undefined ? [] : [Statement].flat()
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}

function servicesOf(principal: unknown): readonly string[] {
  if (typeof principal !== 'object' || principal === null) return []
  return textsOf((principal as { Service?: unknown }).Service)
}

function assumes(action: unknown): boolean {
  return textsOf(action).some((name) => /^(\*|sts:\*|sts:assumerole\*?)$/i.test(name))
}

function shutOut(
  conditions: NonNullable<Statement['Condition']>,
  region: string,
  account: string,
): string | null {
  for (const tests of Object.values(conditions)) {
    for (const [key, value] of Object.entries(tests)) {
      const values = textsOf(value)
      if (/^aws:SourceArn$/i.test(key) && !values.some((arn) => isOf(arn, region)))
        return `it lets in RDS for ${values.join(', ')} only, none of which is in ${region}`
      if (/^aws:SourceAccount$/i.test(key) && !values.includes(account))
        return `it lets in RDS of account ${values.join(', ')} only`
    }
  }
  return null
}

/** A part of an ARN may be a pattern, and one that ends early holds for all. */
function isOf(arn: string, region: string): boolean {
  const part = arn.split(':')[3]
  if (part === undefined) return arn.endsWith('*')
  const pattern = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${pattern}$`).test(region)
}

function textsOf(value: unknown): readonly string[] {
  return [value].flat().filter((each): each is string => typeof each === 'string')
}
