import type { Decision } from './ports/iam.ts'

/**
 * What a key's own policy says, which decides whatever IAM says: no statement for the caller or for the account, and nobody gets at
 * the key but by a grant. Conditions are not judged: what hangs on one is `unknown`.
 */
export function judgeKeyPolicy(
  policy: string,
  { arn, account }: { readonly arn: string; readonly account: string },
  action: string,
): Pick<Decision, 'decision' | 'reason'> {
  const statements = statementsOf(policy)
  if (statements === undefined) return { decision: 'unknown', reason: 'its policy can not be read' }
  const role = /:assumed-role\/([^/]+)\//.exec(arn)?.[1]
  const isCaller = (name: string) =>
    name === '*' ||
    name === arn ||
    name === account ||
    name.endsWith(`:${account}:root`) ||
    (role !== undefined && new RegExp(`:${account}:role/(.*/)?${escaped(role)}$`).test(name))
  const own = statements.filter(
    ({ actions, principals }) => principals.some(isCaller) && actions.some((each) => covers(each, action)),
  )
  if (own.some(({ effect, conditional }) => effect === 'Deny' && !conditional))
    return { decision: 'denied', reason: "the key's policy denies it" }
  const allowing = own.filter(({ effect }) => effect === 'Allow')
  if (allowing.length === 0)
    return { decision: 'denied', reason: "the key's policy allows it to nobody like the caller" }
  if (own.some(({ effect }) => effect === 'Deny') || allowing.every(({ conditional }) => conditional))
    return { decision: 'unknown', reason: "the key's policy has conditions" }
  return { decision: 'allowed' }
}

interface Statement {
  readonly effect: unknown
  readonly actions: readonly string[]
  readonly principals: readonly string[]
  readonly conditional: boolean
}

/** Undefined for what is no policy, or one that says what it means by exclusion. */
function statementsOf(policy: string): readonly Statement[] | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(policy)
  } catch {
    return undefined
  }
  const all = listOf((parsed as { Statement?: unknown } | null)?.Statement)
  if (all.length === 0) return undefined
  const statements: Statement[] = []
  for (const each of all) {
    const { Effect, Action, Principal, Condition, NotAction, NotPrincipal } = each as Record<string, unknown>
    if (NotAction !== undefined || NotPrincipal !== undefined) return undefined
    const named =
      typeof Principal === 'object' && Principal !== null ? (Principal as { AWS?: unknown }).AWS : Principal
    statements.push({
      effect: Effect,
      actions: listOf(Action).map(String),
      principals: listOf(named).map(String),
      conditional: Condition !== undefined,
    })
  }
  return statements
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

/** `kms:ReEncrypt*` covers `kms:ReEncryptFrom`, and is covered by `kms:*`. */
function covers(pattern: string, action: string): boolean {
  return new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 'i').test(action)
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
