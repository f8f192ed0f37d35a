import type { Finding } from '../../core/finding.ts'
import type { ServerFacts } from './catalog.ts'

/** What a restore needs of its target, whatever the backup holds. */
export function lookAtTarget(facts: ServerFacts): readonly Finding[] {
  if (facts.inRecovery) {
    return [
      {
        level: 'failure',
        topic: 'target',
        message: 'it is a standby, and read-only',
        hint: 'Promote it first, or give another server.',
      },
    ]
  }
  if (facts.superuser)
    return [{ level: 'ok', topic: 'privileges', message: `'${facts.user}' is a superuser` }]
  const lacking = [...(facts.createDb ? [] : ['CREATEDB']), ...(facts.createRole ? [] : ['CREATEROLE'])]
  if (lacking.length > 0) {
    return [
      {
        level: 'failure',
        topic: 'privileges',
        message: `'${facts.user}' is no superuser and lacks ${lacking.join(' and ')}`,
        hint: `Run ALTER ROLE … ${lacking.join(' ')} as an administrator, or connect as the master user.`,
      },
    ]
  }
  return [
    {
      level: 'warning',
      topic: 'privileges',
      message: `'${facts.user}' is no superuser: superuser attributes and tablespaces of the backup are left out and reported`,
    },
  ]
}
