import type { Runbook, RunName, Step, Way } from '../core/runbook.ts'
import { aws } from './aws-cli.ts'
import { elsewhere } from './cutover-elsewhere.ts'
import { CUTOVER_TTL_SECONDS, type CutoverFacts, gatherCutover } from './cutover-facts.ts'
import { type CutoverKind, type CutoverOptions, chooseCutover } from './cutover-options.ts'
import { resolversAgree, targetCheck } from './cutover-steps.ts'
import { forDeadDns, pairLines } from './dead-dns.ts'
import { failoverAlarm, failoverCheck, failoverPair, failoverPlan } from './failover-records.ts'
import { fenceCheck } from './fence-check.ts'
import type { CloudPorts } from './ports.ts'
import { changeRecord, dnsRegion, type RecordChange, shownRecord } from './record-change.ts'
import type { WayFlags } from './way-flags.ts'

export type Cutover = Way<WayFlags, CutoverOptions, CutoverFacts, CloudPorts>

const MINUTE = 60_000

export function createCutover(kind: CutoverKind): Cutover {
  const { title, open, costs } = PAGES[kind]
  return {
    name: `cutover ${kind}`,
    ...{ title, page: { open, costs }, deadlineMs: 30 * MINUTE },
    choose: (flags) => chooseCutover(kind, flags),
    gather: (options, ports, signal) => gatherCutover(kind, options, ports, signal),
    plan: kind === 'prepare' ? planPrepare : (options, facts, run) => planSwitch(kind, options, facts, run),
    example: {
      options: exampleOptions(kind),
      facts: { changes: [exampleChange(kind)], left: [], unheard: [] },
    },
  }
}

function planPrepare(
  options: CutoverOptions,
  { changes, left, unheard }: CutoverFacts,
  run: RunName,
): Runbook<CloudPorts> {
  const region = options.target
  const pairs = failoverPlan(options)
  const steps = changes.map((change, index) =>
    pairs !== undefined && isPlain(change)
      ? failoverPair(pairs, change, { id: `pair-${index + 1}`, run })
      : changeRecord({
          ...{
            id: `lower-${index + 1}`,
            effect: 'create',
            change,
            region,
            comment: `lifeboat:run ${run.id}`,
          },
          title: `lower the TTL of ${change.before.name} in ${zoneOf(change)} to ${change.after.ttlSeconds} s${
            change.also === undefined ? '' : `, ${change.also.length + 1} records in one batch`
          }`,
        }),
  )
  const longest = Math.max(...changes.map(({ before }) => before.ttlSeconds ?? 0))
  return {
    way: 'cutover prepare',
    steps: pairs === undefined ? steps : [failoverAlarm(pairs), failoverCheck(pairs, run), ...steps],
    warnings: [
      ...(pairs === undefined ? [] : pairWarnings(changes)),
      ...unheardLines(unheard, region),
      ...leftLines(left),
    ],
    afterwards: [
      `Resolvers hold the old answers for up to ${longest} s more: switch after that.`,
      'This needs the control plane of Route 53: do it on a quiet day, not on the day it is needed.',
      ...(pairs === undefined ? [] : pairLines(pairs)),
      ...forDeadDns(options, changes),
      ...elsewhere(options),
    ],
    rollback: changes
      .flatMap(({ before, also = [] }) => [before, ...also.map((each) => each.before)])
      .map((before) => `${before.name} was ${shownRecord(before)}.`),
  }
}

function planSwitch(
  kind: 'run' | 'rollback',
  options: CutoverOptions,
  { changes, left, unheard }: CutoverFacts,
  run: RunName,
): Runbook<CloudPorts> {
  const { from, target, acceptSplitBrain, acceptUnseenTarget } = options
  const to = options.to ?? from
  const first = 'switch-1'
  const steps: Step<CloudPorts>[] = [
    fenceCheck(from, acceptSplitBrain, first),
    targetCheck(to, acceptUnseenTarget, first),
    ...changes.map((change, index) =>
      changeRecord({
        ...{ id: `switch-${index + 1}`, effect: 'switch', change, region: target },
        comment: `lifeboat:run ${run.id}`,
        title: `switch ${change.before.name} in ${zoneOf(change)} to ${change.after.values.join(' ')}`,
      }),
    ),
    ...changes.map((change, index) => resolversAgree(change, `agree-${index + 1}`, options)),
  ]
  const slow = changes.filter(({ before }) => (before.ttlSeconds ?? 0) > CUTOVER_TTL_SECONDS)
  const checked = changes.filter(({ before }) => before.healthCheckId !== undefined)
  return {
    way: `cutover ${kind}`,
    steps,
    warnings: [
      ...slow.map(
        ({ before }) =>
          `${before.name} has a TTL of ${before.ttlSeconds} s: clients go to the old database for that long after the switch.${
            kind === 'run' ? ' lifeboat cutover prepare lowers it beforehand.' : ''
          }`,
      ),
      ...checked.map(
        ({ before }) => `${before.name} keeps health check ${before.healthCheckId}: look what it checks.`,
      ),
      ...unheardLines(unheard, target),
      ...leftLines(left),
    ],
    afterwards: elsewhere(options),
    rollback: [
      ...changes.map(({ before }) => `${before.name} was ${shownRecord(before)}.`),
      ...(kind === 'run' ? [`lifeboat cutover rollback --of ${run.id} --confirm`] : []),
      'What clients have written to the one database since the switch is not in the other.',
    ],
  }
}

function zoneOf({ zoneName, private: isPrivate }: RecordChange): string {
  return `${isPrivate ? 'private' : 'public'} zone ${zoneName}`
}

/** Which has no routing yet that a pair would take away. */
function isPlain({ before }: RecordChange): boolean {
  return before.setIdentifier === undefined && before.values.length === 1
}

function pairWarnings(changes: readonly RecordChange[]): string[] {
  const others = changes.filter((change) => !isPlain(change))
  return [
    'Alarm and health check are billed by the month; clients notice nothing until you write the metric.',
    ...others.map(
      ({ before }) =>
        `${before.name} has records with routing of their own: no pair is made of it, its TTL alone is lowered.`,
    ),
  ]
}

/** A client in the other region asks the resolver of its own VPC. */
function unheardLines(zones: CutoverFacts['unheard'], region: string): string[] {
  return zones.map(({ id, name }) => {
    const line = aws(dnsRegion(region), 'route53', 'associate-vpc-with-hosted-zone', {
      ...{ 'hosted-zone-id': id, vpc: `VPCRegion=${region},VPCId=VPC` },
    })
    return `Private zone ${name} is answered in no VPC of ${region}: clients there need it: ${line.argv.join(' ')}`
  })
}

function leftLines(left: readonly string[]): string[] {
  return left.map((line) => `Left as it is: ${line}.`)
}

const PAGES: Readonly<
  Record<CutoverKind, { title: string; open: readonly string[]; costs: readonly string[] }>
> = {
  prepare: {
    title: 'lower the TTLs of the records that point at a database',
    open: [
      'Route 53 takes changes. Beforehand: it takes the old TTL until every resolver knows the new one.',
    ],
    costs: ['More questions to Route 53.'],
  },
  run: {
    title: 'send clients to another database by DNS',
    open: ['Route 53 takes changes, and the old primary is fenced or gone.'],
    costs: ['Time: a minute, and the TTL that the records had.'],
  },
  rollback: {
    title: 'put back what a cutover has switched',
    open: ['Nobody has changed the records since.'],
    costs: ['What was written to the new database since is not in the old one.'],
  },
}

function exampleOptions(kind: CutoverKind): CutoverOptions {
  const old = { host: 'shop.c1sim.eu-west-1.rds.amazonaws.com', port: 3306 }
  const fresh = { host: 'shop-replica.c1sim.eu-central-1.rds.amazonaws.com', port: 3306 }
  return {
    ...{ source: 'eu-west-1', target: 'eu-central-1', records: [], resolvers: [], templates: [], kept: [] },
    ...{ services: [], failoverRecords: false },
    ...{ acceptSplitBrain: false, acceptUnseenTarget: false },
    from: kind === 'rollback' ? fresh : old,
    to: kind === 'prepare' ? null : kind === 'run' ? fresh : old,
  }
}

function exampleChange(kind: CutoverKind): RecordChange {
  const { from, to } = exampleOptions(kind)
  const before = { name: 'shop.example.internal', type: 'CNAME', ttlSeconds: 300, values: [from.host] }
  return {
    ...{ zoneId: 'Z0000000000000', zoneName: 'example.internal', private: true, before },
    after: { ...before, ttlSeconds: CUTOVER_TTL_SECONDS, values: [(to ?? from).host] },
  }
}
