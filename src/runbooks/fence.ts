import { nameOf, type Observation, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { FENCE_LOOKS, type FenceFacts, type FenceOptions, gatherFence } from './fence-facts.ts'
import { backLine, closedGroup, isBehind, moveToGroup } from './fence-network.ts'
import { fenceBySql } from './fence-sql.ts'
import type { CloudPorts } from './ports.ts'
import { readEndpoint } from './read-endpoint.ts'
import { needOneDb, needRegions, type WayFlags } from './way-flags.ts'

const MINUTE = 60_000

/** No way out, but what each of them needs first: that the old primary takes no more writes. */
export const fence: Way<WayFlags, FenceOptions, FenceFacts, CloudPorts> = {
  name: 'fence',
  title: 'keep writers off the old primary',
  deadlineMs: 20 * MINUTE,
  page: {
    open: [
      'The API of the source region answers: then a security group without rules keeps everybody out.',
      'Or only the database answers, and `--login` gives an account: then SQL locks the other accounts, sets the server to read-only and ends sessions.',
    ],
    costs: [
      'Applications get errors from that moment on. Nothing else changes, and all of it can be lifted.',
    ],
  },
  choose: (flags) => ({
    ...needRegions(flags),
    db: needOneDb(flags, 'fence'),
    from: flags.from === undefined ? null : readEndpoint(flags.from, '--from'),
  }),
  gather: gatherFence,
  plan,
  example: {
    options: { source: 'eu-west-1', target: 'eu-central-1', db: 'shop', from: null },
    facts: {
      account: '111122223333',
      endpoint: { host: 'shop.c1sim.eu-west-1.rds.amazonaws.com', port: 3306 },
      sql: {
        client: 'mysql',
        statements: [`ALTER USER \`app\`@\`%\` ACCOUNT LOCK`, 'SET PERSIST super_read_only = ON'],
        undo: [
          ...['SET PERSIST super_read_only = OFF', 'SET PERSIST read_only = OFF'],
          `ALTER USER \`app\`@\`%\` ACCOUNT UNLOCK`,
        ],
        sessions:
          "SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()",
        limits: ['Account admin@%, which lifeboat itself uses, can still log in: keep applications from it.'],
      },
      network: { kind: 'instance', vpcId: 'vpc-0123456789abcdef0', securityGroups: ['sg-0123456789abcdef0'] },
    },
  },
}

function plan(options: FenceOptions, facts: FenceFacts, run: RunName): Runbook<CloudPorts> {
  const { source, db } = options
  const { sql, network, endpoint } = facts
  const steps: Step<CloudPorts>[] = [
    // SQL first: behind the closed security group nobody could log in any more, and open connections would live on.
    ...(sql === null ? [] : [fenceBySql(facts, sql)]),
    ...(network === null
      ? []
      : [closedGroup(options, network, run), moveToGroup(options, facts, network, run)]),
    checkFenced(options, facts, run),
  ]
  return {
    way: 'fence',
    steps,
    gathers: FENCE_LOOKS,
    warnings: [
      `Applications can not write to ${endpoint.host} any more${network === null ? '' : ', nor, behind the security group, read'}.`,
      ...(sql === null
        ? [
            network === null
              ? 'Nobody could log in, to stop writers by SQL: --login gives an account.'
              : 'Nobody could log in: connections that are open now may live on behind the security group. --login gives an account.',
          ]
        : sql.limits),
      ...(network === null
        ? [
            `The API of ${source} gives this account no answer, or the database is in no VPC: no security group keeps writers out.`,
          ]
        : ['A proxy (RDS Proxy, PgBouncer) inside keeps connections that are open: end them there, too.']),
    ],
    afterwards: [
      network === null
        ? `When ${source} is back, fence again: what SQL can not hold, its security group does.`
        : `The security group stays with ${db} through restarts and through the recovery of ${source}; whoever restores or copies it, or puts other groups, opens it again.`,
      'Scheduled events and jobs inside the database run on, unless it is read-only.',
      `Check again just before a switch: each way asks the database itself.`,
    ],
    rollback: [
      `lifeboat migrate unfence ${run.id} --confirm`,
      ...(network === null ? [] : [`Back to its own security groups: ${backLine(options, network)}`]),
      ...(sql === null ? [] : sql.undo.map((statement) => `By SQL, in this order: ${statement}`)),
    ],
  }
}

function checkFenced(
  { source, db }: FenceOptions,
  { endpoint, network, sql }: FenceFacts,
  run: RunName,
): Step<CloudPorts> {
  const name = nameOf(run, 'fence')
  return {
    id: 'check-fenced',
    title: `make sure that ${endpoint.host} takes no more writes`,
    effect: 'read',
    command: () => [],
    check: () => undefined,
    permissions: () => [],
    async observe({ database, source: ports }, signal): Promise<Observation> {
      const state = await database.writable(endpoint, signal)
      if (state === 'read-only') return { state: 'done', seen: { fenced: true } }
      const isClosed = network !== null && (await isBehind(ports, network, db, name, signal))
      if (state === 'unreachable' && (isClosed || sql !== null))
        return {
          state: 'done',
          reason: 'nobody gets there from here',
          seen: { fenced: isClosed ? true : 'unreachable' },
        }
      if (state === 'unreachable')
        return {
          ...{
            state: 'blocked',
            reason: `neither ${source} nor the database answers: nothing could be fenced`,
          },
          hint: 'It may come back and take writes. Stop the applications, and repeat this until one of the two answers, before you let anybody write elsewhere for good.',
        }
      if (isClosed)
        return {
          state: 'done',
          reason: 'new connections are kept out; those that are open, as ours may be, live on until they end',
          seen: { fenced: 'network' },
        }
      return {
        state: 'blocked',
        reason:
          state === 'writable' ? 'it still takes writes' : 'it answers, and nobody could log in to stop it',
        hint: 'Give an account with --login and --password that may lock others and end their sessions, or stop the applications.',
      }
    },
    apply: () => Promise.resolve(),
  }
}
