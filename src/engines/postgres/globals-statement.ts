import { unquoteName } from './script.ts'

/** What a statement of `pg_dumpall --globals-only` is about. Everything else is run as it is. */
export type GlobalsStatement =
  | { readonly kind: 'session' | 'other' }
  | { readonly kind: 'create-role'; readonly role: string }
  | { readonly kind: 'role-attributes'; readonly role: string }
  /** SET, COMMENT, SECURITY LABEL. */
  | { readonly kind: 'role-detail'; readonly role: string }
  | {
      readonly kind: 'membership'
      readonly role: string
      readonly member: string
      readonly grantor: string | undefined
    }
  | { readonly kind: 'create-tablespace'; readonly tablespace: string; readonly owner: string }
  | { readonly kind: 'tablespace-detail'; readonly tablespace: string }

const NAME = '("(?:[^"]|"")*"|[^\\s".;,()]+)'
const CREATE_ROLE = new RegExp(`^CREATE ROLE ${NAME};$`)
const ROLE_ATTRIBUTES = new RegExp(`^ALTER ROLE ${NAME} WITH `)
const ROLE_DETAIL = new RegExp(`^(?:ALTER ROLE|COMMENT ON ROLE|SECURITY LABEL FOR ${NAME} ON ROLE) ${NAME} `)
const MEMBERSHIP = new RegExp(`^GRANT ${NAME} TO ${NAME}(?: WITH [A-Z, ]+?)?(?: GRANTED BY ${NAME})?;$`)
const CREATE_TABLESPACE = new RegExp(`^CREATE TABLESPACE ${NAME} OWNER ${NAME} LOCATION '`)
const TABLESPACE_DETAIL = new RegExp(
  `^(?:(?:GRANT|REVOKE) [A-Z ,]+ ON TABLESPACE|ALTER TABLESPACE|COMMENT ON TABLESPACE|SECURITY LABEL FOR ${NAME} ON TABLESPACE) ${NAME}[ ;]`,
)

export function readGlobalsStatement(sql: string): GlobalsStatement {
  if (/^SET /.test(sql)) return { kind: 'session' }
  const name = (text: string | undefined) => unquoteName(text ?? '')
  const created = CREATE_ROLE.exec(sql)
  if (created !== null) return { kind: 'create-role', role: name(created[1]) }
  const altered = ROLE_ATTRIBUTES.exec(sql)
  if (altered !== null) return { kind: 'role-attributes', role: name(altered[1]) }
  const detail = ROLE_DETAIL.exec(sql)
  if (detail !== null) return { kind: 'role-detail', role: name(detail[2]) }
  const membership = MEMBERSHIP.exec(sql)
  if (membership !== null) {
    const grantor = membership[3] === undefined ? undefined : name(membership[3])
    return { kind: 'membership', role: name(membership[1]), member: name(membership[2]), grantor }
  }
  const tablespace = CREATE_TABLESPACE.exec(sql)
  if (tablespace !== null) {
    return { kind: 'create-tablespace', tablespace: name(tablespace[1]), owner: name(tablespace[2]) }
  }
  const tablespaceDetail = TABLESPACE_DETAIL.exec(sql)
  if (tablespaceDetail !== null) return { kind: 'tablespace-detail', tablespace: name(tablespaceDetail[2]) }
  return { kind: 'other' }
}

const ATTRIBUTES = ['SUPERUSER', 'REPLICATION', 'BYPASSRLS', 'CREATEDB', 'CREATEROLE'] as const
export type Attribute = (typeof ATTRIBUTES)[number]

/**
 * Takes the attributes out of `ALTER ROLE … WITH` that the restoring user may not even mention; the words stand before
 * any literal. Returns those that were positive, so that their loss can be said.
 */
export function stripAttributes(
  sql: string,
  forbidden: readonly Attribute[],
): { readonly sql: string; readonly lost: readonly Attribute[] } {
  const head = /^ALTER ROLE (?:"(?:[^"]|"")*"|\S+) WITH/.exec(sql)?.[0] ?? ''
  const words = /^(?: [A-Z]+)*?(?= (?:CONNECTION LIMIT|PASSWORD|VALID UNTIL)\b|;|$)/.exec(
    sql.slice(head.length),
  )?.[0]
  if (words === undefined) return { sql, lost: [] }
  const lost = forbidden.filter((attribute) => words.split(' ').includes(attribute))
  const banned = new Set<string>(forbidden.flatMap((attribute) => [attribute, `NO${attribute}`]))
  const kept = words
    .split(' ')
    .filter((word) => !banned.has(word))
    .join(' ')
  return { sql: `${head}${kept}${sql.slice(head.length + words.length)}`, lost }
}
