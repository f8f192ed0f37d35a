import { LifeboatError } from '../core/errors.ts'
import type { Runbook, Step, Way } from '../core/runbook.ts'
import { aws } from './aws-cli.ts'
import { fence } from './fence.ts'
import { fenceCheck } from './fence-check.ts'
import { FENCE_LOOKS } from './fence-facts.ts'
import type { CloudPorts } from './ports.ts'
import { readEndpoint } from './read-endpoint.ts'
import { gatherUnfence, type UnfenceFacts, type UnfenceOptions } from './unfence-facts.ts'
import { backToOwnGroups, checkUnfenced, unfenceBySql } from './unfence-steps.ts'
import { accepted, needRegions, type WayFlags } from './way-flags.ts'

const MINUTE = 60_000

/** The way back from `fence`, and nothing beyond what that has done. */
export const unfence: Way<WayFlags, UnfenceOptions, UnfenceFacts, CloudPorts> = {
  name: 'unfence',
  title: 'let writers onto a database again that a run has fenced',
  deadlineMs: 20 * MINUTE,
  page: {
    open: [
      'The journal of the fence is on this machine, or at the sink of `--at`.',
      'Nothing of it was changed since: security groups, accounts and settings are as the fence has left them. Else it says what is not.',
    ],
    costs: [
      'Where another database has taken over: a second writer, unless `--to` names that one and it takes no writes.',
    ],
  },
  choose(flags) {
    const dangers = accepted(flags)
    const { fenced, to } = flags
    if (fenced === undefined)
      throw new LifeboatError('usage', 'unable to unfence: nothing is known of what to lift', {
        hint: 'Name the run that has fenced: lifeboat migrate unfence RUN.',
      })
    return {
      ...needRegions(flags),
      ...{ fenced, to: to === undefined ? null : readEndpoint(to, '--to') },
      acceptSplitBrain: dangers.includes('split-brain'),
      acceptChanged: dangers.includes('changed-fence'),
    }
  },
  gather: gatherUnfence,
  plan,
  example: (() => {
    const { options, facts } = fence.example
    const { client, undo } = facts.sql ?? { client: 'mysql', undo: [] }
    const { network, endpoint, account } = facts
    const group = 'sg-0fedcba9876543210'
    return {
      options: {
        ...{ source: options.source, target: options.target, to: null },
        fenced: {
          ...{ run: '20261122T210500Z-k3f9', db: options.db, endpoint, network, sql: { client, undo } },
        },
        ...{ acceptSplitBrain: false, acceptChanged: false },
      },
      facts: { account, undo, network: network && { ...network, group }, changed: [] },
    }
  })(),
}

function plan(options: UnfenceOptions, facts: UnfenceFacts): Runbook<CloudPorts> {
  const { source, fenced, to, acceptSplitBrain } = options
  const { db, endpoint } = fenced
  // The network first: behind the closed group nobody could log in to lift the rest, and the accounts are still locked.
  const lifting: Step<CloudPorts>[] = [
    ...(facts.network === null ? [] : [backToOwnGroups(options, facts, facts.network)]),
    ...(fenced.sql === null || facts.undo.length === 0
      ? []
      : [unfenceBySql(options, facts.undo, fenced.sql.client)]),
  ]
  const first = lifting[0]?.id ?? 'check-unfenced'
  return {
    way: 'unfence',
    steps: [
      ...(to === null ? [] : [fenceCheck(to, acceptSplitBrain, first)]),
      ...lifting,
      checkUnfenced(options, facts),
    ],
    gathers: FENCE_LOOKS,
    warnings: [
      ...(to === null
        ? [
            `From then on applications write to ${endpoint.host}: where another database has taken over, stop its writers first; --to HOST:PORT has that looked at.`,
          ]
        : []),
      ...facts.changed.map((change) => `Left as it is: ${change}.`),
    ],
    afterwards: [
      'Sessions that the fence has ended come back when applications connect again.',
      ...(facts.network === null
        ? []
        : [`The closed group is not needed any more: ${removeLine(source, facts.network.group)}`]),
    ],
    rollback: [`lifeboat migrate fence --source ${source} --target ${options.target} --db ${db} --confirm`],
  }
}

function removeLine(region: string, group: string): string {
  return aws(region, 'ec2', 'delete-security-group', { 'group-id': group }).argv.join(' ')
}
