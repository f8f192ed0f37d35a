import { z } from 'zod'
import { globCoversAllFrom, globMatches, globMayMatchFrom } from './glob.ts'

const texts = z.union([z.string(), z.array(z.string())])
const values = z.union([
  z.string(),
  z.boolean(),
  z.number(),
  z.array(z.union([z.string(), z.boolean(), z.number()])),
])
const principal = z.union([z.string(), z.record(z.string(), texts)])

const statementSchema = z.looseObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.optional(),
  NotPrincipal: principal.optional(),
  Action: texts.optional(),
  NotAction: texts.optional(),
  Resource: texts.optional(),
  NotResource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), values)).optional(),
})

const policySchema = z.looseObject({
  Statement: z.union([statementSchema, z.array(statementSchema)]),
})

export type Statement = z.infer<typeof statementSchema>
export type Policy = z.infer<typeof policySchema>

/** Throws what is wrong with the text. */
export function parsePolicy(text: string): Policy {
  return policySchema.parse(JSON.parse(text))
}

export function statementsOf(policy: Policy): readonly Statement[] {
  return Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement]
}

/** What lifeboat, or a thief with its credentials, does in a bucket. */
export const OBJECT_ACTIONS = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:PutObject',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
] as const
export const BUCKET_ACTIONS = [
  's3:ListBucket',
  's3:ListBucketVersions',
  's3:ListBucketMultipartUploads',
] as const

export interface PolicyTarget {
  readonly partition: string
  readonly bucket: string
  /** Without slashes at its ends. */
  readonly prefix: string
}

/**
 * The actions on the prefix that the policy would let through over plain HTTP, whoever asks: empty where none. One
 * statement must deny an action to everybody, for every key below the prefix and under no other condition; where several
 * do so only together, or a policy variable is in the way, the action counts as let through.
 */
export function plainHttpGaps(policy: Policy | undefined, target: PolicyTarget): readonly string[] {
  const denying = policy === undefined ? [] : statementsOf(policy).filter(deniesPlainHttpToAll)
  const bucket = `arn:${target.partition}:s3:::${target.bucket}`
  const below = `${bucket}/${target.prefix === '' ? '' : `${target.prefix}/`}`
  const covered = (action: string, resources: (statement: Statement) => boolean) =>
    denying.some((statement) => coversAction(statement, action) && resources(statement))
  return [
    ...OBJECT_ACTIONS.filter((action) => !covered(action, (statement) => coversBelow(statement, below))),
    ...BUCKET_ACTIONS.filter((action) => !covered(action, (statement) => coversOne(statement, bucket))),
  ]
}

function deniesPlainHttpToAll(statement: Statement): boolean {
  return statement.Effect === 'Deny' && isEverybody(statement) && holdsForPlainHttp(statement.Condition ?? {})
}

function isEverybody({ Principal, NotPrincipal }: Statement): boolean {
  if (NotPrincipal !== undefined || Principal === undefined) return false
  return typeof Principal === 'string' ? Principal === '*' : list(Principal.AWS).includes('*')
}

/** Names of services and actions know no case. */
function coversAction({ Action, NotAction }: Statement, action: string): boolean {
  const matches = (pattern: string) => globMatches(pattern.toLowerCase(), action.toLowerCase())
  if (Action !== undefined) return list(Action).some(matches)
  return NotAction !== undefined && !list(NotAction).some(matches)
}

function coversBelow({ Resource, NotResource }: Statement, start: string): boolean {
  if (Resource !== undefined) {
    return list(Resource).some((pattern) => !hasVariable(pattern) && globCoversAllFrom(pattern, start))
  }
  return (
    NotResource !== undefined &&
    !list(NotResource).some((pattern) => hasVariable(pattern) || globMayMatchFrom(pattern, start))
  )
}

function coversOne({ Resource, NotResource }: Statement, name: string): boolean {
  if (Resource !== undefined) {
    return list(Resource).some((pattern) => !hasVariable(pattern) && globMatches(pattern, name))
  }
  return (
    NotResource !== undefined &&
    !list(NotResource).some((pattern) => hasVariable(pattern) || globMatches(pattern, name))
  )
}

/** `${aws:username}`: what it stands for depends on who asks. */
function hasVariable(pattern: string): boolean {
  return pattern.includes('${')
}

/** Every operator and every key of it must hold; the values of a key are alternatives. */
function holdsForPlainHttp(conditions: NonNullable<Statement['Condition']>): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(
      ([key, wanted]) =>
        key.toLowerCase() === 'aws:securetransport' && holdsWhereFalse(operator, list(wanted).map(String)),
    ),
  )
}

/** `aws:SecureTransport` is in the context of every request to S3, and false there over plain HTTP. */
function holdsWhereFalse(operator: string, wanted: readonly string[]): boolean {
  switch (operator.toLowerCase()) {
    case 'bool':
    case 'boolifexists':
    case 'stringequals':
    case 'stringequalsifexists':
      return wanted.some((value) => value.toLowerCase() === 'false')
    // "true" asks that the key be absent.
    case 'null':
      return wanted.some((value) => value.toLowerCase() === 'false')
    default:
      return false
  }
}

function list<T extends string | boolean | number>(value: T | T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

const SID = 'LifeboatDenyPlainHttp'

/** The policy with one more statement, which replaces an older one of the same name; all others stay as they are. */
export function withTlsOnly(policy: Policy | undefined, { partition, bucket }: PolicyTarget): Policy {
  const arn = `arn:${partition}:s3:::${bucket}`
  const statement: Statement = {
    Sid: SID,
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [arn, `${arn}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
  return withStatement(policy, statement)
}

const LOG_SID = 'LifeboatAccessLogs'

/** The policy of a bucket for logs that lets S3 write there what happens in `source`. */
export function withLogDelivery(policy: Policy | undefined, logs: PolicyTarget, source: string): Policy {
  return withStatement(policy, {
    Sid: `${LOG_SID}${source.replace(/[^a-zA-Z0-9]/g, '')}`,
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: `arn:${logs.partition}:s3:::${logs.bucket}/${source}/*`,
    Condition: { ArnLike: { 'aws:SourceArn': `arn:${logs.partition}:s3:::${source}` } },
  })
}

function withStatement(policy: Policy | undefined, statement: Statement): Policy {
  const others = policy === undefined ? [] : statementsOf(policy).filter(({ Sid }) => Sid !== statement.Sid)
  return { Version: '2012-10-17', ...policy, Statement: [...others, statement] }
}
