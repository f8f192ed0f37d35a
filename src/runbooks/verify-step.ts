import type { CheckRow, CliLine, MadeDatabase, Step } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { mayLook } from './aws-cli.ts'
import type { CloudPorts } from './ports.ts'
import { endpointOf, findDatabase } from './posture.ts'
import {
  alarmsCheck,
  backupsCheck,
  databaseChecks,
  restoredRowsCheck,
  rowsCheck,
  schemeOf,
} from './verify-checks.ts'

export interface VerifyPlan {
  readonly source: string
  readonly target: string
  /** The old one. */
  readonly db: string
  readonly made: MadeDatabase
  readonly write: boolean
  readonly newestQuery: string | null
  readonly accepted: readonly string[]
}

/** A name that was just made, or that follows a new writer, need not be right at once. */
const MOST_LOOKS = 3
const POLL_MS = 10_000

/** Is the new database fit to take over? Looked at as an application would; what needs a login only where one was given. */
export function verifyStep(plan: VerifyPlan): Step<CloudPorts> {
  const { db, made, accepted } = plan
  const { kind, id, takesWrites } = made
  let looks = 0
  return {
    id: 'verify',
    title: `look whether ${id} is fit to take over`,
    effect: 'read',
    pollMs: POLL_MS,
    command: () => [verifyLine(plan)],
    check: () => undefined,
    permissions: () => [
      mayLook('rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:ListTagsForResource'),
      mayLook('cloudwatch:DescribeAlarms'),
    ],
    async observe({ target, database, native, rows: counts }, signal) {
      const found = await findDatabase(target, id, signal, kind)
      if (found === undefined) return { state: 'blocked', reason: `there is no ${kind} ${id}` }
      const endpoint = endpointOf(found, takesWrites)
      if (endpoint === undefined) return { state: 'running', reason: `${id} has no endpoint yet` }
      const rows =
        made.backup === undefined && made.dumpedBy === undefined
          ? await rowsCheck(counts, endpoint, accepted, signal)
          : await restoredRowsCheck(native, made, endpoint, signal)
      if (rows === undefined) return { state: 'running', reason: 'counting rows' }
      const place = `${endpoint.host}:${endpoint.port}`
      const checks: readonly CheckRow[] = [
        { name: 'endpoint', state: 'ok', found: place },
        ...(await databaseChecks(
          database,
          endpoint,
          {
            write: !takesWrites ? 'a secondary takes no writes' : plan.write || '--no-write was given',
            newestQuery: plan.newestQuery ?? undefined,
            accepted,
            elsewhere: shellLine(hostLine(place, found.database.engine)),
          },
          signal,
        )),
        rows,
        backupsCheck(found),
        await alarmsCheck(target, found, 'throws', signal),
      ]
      const failed = checks.filter(({ state }) => state === 'failed')
      const open = checks.filter(({ state }) => state === 'skipped' || state === 'warning')
      if (failed.length === 0) {
        const reason = open.map(
          ({ name, state }) => `${name} ${state === 'warning' ? 'to see to' : 'not looked at'}`,
        )
        return {
          state: 'done',
          checks,
          seen: { endpoint: place },
          ...(open.length > 0 && { reason: reason.join(', ') }),
        }
      }
      const reason = failed.map(({ name, found: is }) => `${name}: ${is}`).join('; ')
      looks += 1
      if (looks < MOST_LOOKS) return { state: 'running', reason, checks }
      return { state: 'blocked', reason, checks, hint: hintOf(failed, db) }
    },
    apply: () => Promise.resolve(),
  }
}

function hintOf(failed: readonly CheckRow[], db: string): string {
  const accepts = [...new Set(failed.flatMap(({ accept }) => accept ?? []))]
  const [line] = failed.flatMap(({ lines = [] }) => lines)
  return [
    `Look at its security group, account and certificate before anybody leaves ${db}.`,
    ...(failed.some(({ name }) => name === 'write') ? ['--no-write leaves the scratch table out.'] : []),
    ...(line === undefined ? [] : [`On a host that reaches it type: ${line} ;`]),
    ...(accepts.length === 0
      ? []
      : [`or take it as it is: ${accepts.map((name) => `--accept ${name}`).join(' ')}.`]),
  ].join(' ')
}

/** On a machine with credentials of AWS. */
function verifyLine({ source, target, db, made: { id } }: VerifyPlan): CliLine {
  return {
    argv: [
      ...['lifeboat', 'migrate', 'verify', '--source', source, '--target', target, '--db', db],
      ...['--target-id', id],
    ],
  }
}

/** On an application host: it needs none. */
export function hostLine(place: string, engine: string | undefined): CliLine {
  return {
    argv: [
      ...['lifeboat', 'migrate', 'verify', '--to', place],
      ...[
        '--login',
        engine === undefined ? 'URL' : `${schemeOf(engine)}://USER@any`,
        '--password',
        'prompt:',
      ],
    ],
  }
}
