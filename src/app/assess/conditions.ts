import { keptTarget } from '../../runbooks/kept-landing.ts'
import type { Answer } from './answer.ts'
import type { DatabaseEvidence, Evidence, KeySeen, Needed, SecurityGroupsSeen, Service } from './evidence.ts'
import type { LandingFlags } from './gather.ts'
import type { Condition } from './verdict.ts'

/** One database of what was found out, with what the operator has chosen. */
export interface Case {
  readonly evidence: Evidence
  readonly db: DatabaseEvidence
  readonly flags: LandingFlags
}

export const open = (reason: string): Condition => ({ state: 'open', reason })
export const closed = (reason: string): Condition => ({ state: 'closed', reason })
export const unsure = (reason: string): Condition => ({ state: 'unknown', reason })

/** What is known is judged; what is not leaves the way unknown. */
export function of<T>(answer: Answer<T>, what: string, judge: (value: T) => Condition): Condition {
  return answer.known ? judge(answer.value) : unsure(`${what} not known: ${answer.reason}`)
}

/** A dead control plane closes what needs it; one that denies or throttles may yet do it. */
export function answers(evidence: Evidence, service: Service, region: string): Condition {
  const plane = evidence.planes.find((each) => each.service === service && each.region === region)
  const name = `${service.toUpperCase()} of ${region}`
  const why = plane?.reason ?? 'nobody has asked it'
  switch (plane?.state) {
    case 'reachable':
      return open('')
    case 'dead':
      return closed(`${name} gives no answer here: ${why}`)
    case 'denied':
      return unsure(`${name} answers, but these credentials may not look: ${why}`)
    case 'throttled':
      return unsure(`${name} is throttled: ${why}`)
    case 'no-credentials':
      return unsure(`${name} was not asked: ${why}`)
    default:
      return unsure(`${name} was not asked`)
  }
}

/** What must be in the target region for an instance or a cluster to be made there. */
export function landing({ db, evidence: { target } }: Case): readonly Condition[] {
  const { subnetGroup, parameterGroup, optionGroup, securityGroups, zones, instancesLeft } = db.landing
  return [
    of(subnetGroup, `subnet group of ${target}`, (group) =>
      group === null
        ? closed('it is in no subnet group: name one of the other region with --subnet-group')
        : there(group, 'subnet group', '--subnet-group', target),
    ),
    ...[
      of(parameterGroup, `parameter group of ${target}`, (group) =>
        there(group, 'parameter group', '--parameter-group', target),
      ),
      of(optionGroup, `option group of ${target}`, (group) =>
        there(group, 'option group', '--option-group', target),
      ),
      // Where nobody knows what it had, the default ones do: `landingFirst` says so.
    ].filter((_, index) => !isNotAsked([parameterGroup, optionGroup][index])),
    ...(isNotAsked(securityGroups)
      ? []
      : [of(securityGroups, `security groups of ${target}`, (groups) => securityState(groups, target))]),
    of(zones, `offers of ${target}`, (found) =>
      found.length > 0
        ? open('')
        : closed(`${target} does not offer its engine version and class together: another --class may do`),
    ),
    // An account without that quota in its answer has no such limit that could be looked at.
    of(instancesLeft, `quota of ${target}`, (left) =>
      left === 0 ? closed(`${target} has no room in its quota of instances`) : open(''),
    ),
  ]
}

function securityState({ missing }: SecurityGroupsSeen, target: string): Condition {
  if (missing.length === 0) return open('')
  return closed(
    `${target} has no security group ${missing.join(', ')} in that VPC: create it there (lifeboat migrate prepare), or name others with --security-group`,
  )
}

function isNotAsked(answer: Answer<unknown> | undefined): boolean {
  return answer?.known === false && answer.obstacle === 'not-asked'
}

export function landingFirst({ db, evidence: { source, target } }: Case): readonly string[] {
  const { parameterGroup, optionGroup, roles, securityGroups } = db.landing
  const group = parameterGroup.known ? parameterGroup.value : null
  return [
    ...(isNotAsked(parameterGroup) || isNotAsked(optionGroup)
      ? [
          `Which parameter and option group it had in ${source} is not known: without --parameter-group and --option-group it gets AWS's own.`,
        ]
      : []),
    ...(group !== null && group.differs.length > 0
      ? [
          `Parameter group '${group.name}' of ${target} does not set as in ${source}: ${group.differs.join(', ')}.`,
        ]
      : []),
    ...(securityGroups.known ? securityGroups.value.shut : []).map(
      (id) => `Security group ${id} of ${target} lets nobody in: applications need a rule there.`,
    ),
    ...(roles.known ? roles.value : []).flatMap(({ arn, wrong }) =>
      wrong === null ? [] : [`Role ${arn} is of no use in ${target}: ${wrong}.`],
    ),
  ]
}

function there(
  group: (Pick<Needed, 'name' | 'there'> & { readonly wrong?: string | null }) | null,
  what: string,
  flag: string,
  region: string,
): Condition {
  if (group === null) return open('')
  if (!group.there)
    return closed(
      `${region} has no ${what} '${group.name}': create it there (lifeboat migrate prepare), or name another with ${flag}`,
    )
  return group.wrong == null
    ? open('')
    : closed(`${what} '${group.name}' of ${region} can not be used: ${group.wrong}`)
}

/** The key under which something lies in the target region already. */
export function keyOf({ evidence: { keys, target } }: Case, arn: string | null): Condition {
  if (arn === null) return open('')
  return of(keys, `keys of ${target}`, (all) => {
    const key = all.find((each) => each.arn === arn)
    if (key === undefined) return unsure(`its key ${arn} is not among those of ${target} that can be listed`)
    // What AWS manages opens what lies under it; it only can't be chosen for more.
    return key.wrong === null || isManaged(key)
      ? open('')
      : closed(`its key ${arn} can not be used: ${key.wrong}`)
  })
}

function isManaged({ aliases }: KeySeen): boolean {
  return aliases.some((alias) => alias.startsWith('alias/aws/'))
}

/** Which key was named, or was settled beforehand for that of the source. */
export function namedKey({ db, flags }: Case): string | undefined {
  const own = db.identity.known ? db.identity.value.kmsKeyArn : undefined
  const entries = db.landing.kept?.entries ?? []
  const settled =
    own === undefined
      ? entries.find(({ kind, target }) => kind === 'key' && target !== null)?.target
      : keptTarget(entries, 'key', own)
  return flags.kmsKey ?? settled ?? undefined
}

/** The key that a new copy is to be encrypted with: the one that was named, or any that could be. */
export function newKey(subject: Case): Condition {
  const { keys, target } = subject.evidence
  const name = namedKey(subject)
  return of(keys, `keys of ${target}`, (all) => {
    if (name === undefined) {
      const usable = all.filter(({ wrong }) => wrong === null)
      return usable.length > 0
        ? open('')
        : closed(
            `${target} has no key that RDS could use: create one there (lifeboat migrate prepare), or name another with --kms-key`,
          )
    }
    const named = all.find(({ arn, aliases }) => isNamed(name, arn, aliases))
    if (named === undefined) return closed(`${target} has no key ${name}`)
    return named.wrong === null ? open('') : closed(`key ${name} can not be used: ${named.wrong}`)
  })
}

function isNamed(name: string, arn: string, aliases: readonly string[]): boolean {
  return arn === name || arn.endsWith(`:key/${name}`) || aliases.includes(name)
}

/** Whether whoever writes to the old primary could go on. */
export function isServing({ db }: Case): boolean {
  return db.look.known && db.look.value.rungs.some(({ rung, outcome }) => rung === 'tcp' && outcome === 'ok')
}

export function fenceFirst(subject: Case): readonly string[] {
  const { db, evidence } = subject
  if (!isServing(subject)) return []
  return [
    `${db.id} in ${evidence.source} still takes connections: stop what writes there, or fence it (lifeboat migrate fence), or what it takes from then on is lost.`,
  ]
}
