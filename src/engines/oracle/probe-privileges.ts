import type { Finding } from '../../core/finding.ts'
import type { ServerFacts } from './server-facts.ts'

const ROLES = {
  source: ['DATAPUMP_EXP_FULL_DATABASE', 'EXP_FULL_DATABASE', 'DBA'],
  target: ['DATAPUMP_IMP_FULL_DATABASE', 'IMP_FULL_DATABASE', 'DBA'],
} as const

/** What the account lacks for schemas that are not its own. */
export function lookAtPrivileges(
  facts: ServerFacts,
  {
    role,
    schemas,
    policies = 0,
  }: {
    readonly role: 'source' | 'target'
    readonly schemas: readonly string[] | undefined
    readonly policies?: number
  },
): readonly Finding[] {
  const findings: Finding[] = []
  const { user, roles, privileges } = facts
  const full = ROLES[role].find((name) => roles.has(name))
  const onlyOwn = schemas?.every((name) => name === user) === true
  const wanted = ROLES[role][0]
  if (full !== undefined) {
    findings.push({ level: 'ok', topic: 'privileges', message: `'${user}' has the role ${full}` })
  } else if (!onlyOwn) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `'${user}' lacks the role ${wanted}, without which it may ${role === 'source' ? 'export' : 'import'} its own schema only`,
      hint: `Run GRANT ${wanted} TO the account, or connect as the master user.`,
    })
  } else {
    findings.push({
      level: 'warning',
      topic: 'privileges',
      message: `'${user}' lacks the role ${wanted}: its own objects are taken, its account and grants of others are not`,
    })
  }
  if (!privileges.has('CREATE TABLE') && !privileges.has('CREATE ANY TABLE')) {
    findings.push({
      level: 'failure',
      topic: 'privileges',
      message: `'${user}' may not CREATE TABLE, and every job of Data Pump has a table of its own`,
      hint: 'Run GRANT CREATE TABLE TO the account, with some quota on its default tablespace.',
    })
  }
  if (role === 'source' && !onlyOwn && !privileges.has('FLASHBACK ANY TABLE')) {
    findings.push({
      level: 'warning',
      topic: 'privileges',
      message: `'${user}' lacks FLASHBACK ANY TABLE: rows that can't be counted as of the dump are taken from the job's log`,
      hint: 'Run GRANT FLASHBACK ANY TABLE TO the account.',
    })
  }
  if (role === 'source' && policies > 0 && !privileges.has('EXEMPT ACCESS POLICY')) {
    findings.push({
      level: 'warning',
      topic: 'privileges',
      message: `'${user}' lacks EXEMPT ACCESS POLICY, and there are ${policies} policies: rows that they hide would be missing`,
      hint: 'Run GRANT EXEMPT ACCESS POLICY TO the account; without it Data Pump says ORA-39181, which fails the run.',
    })
  }
  return findings
}
