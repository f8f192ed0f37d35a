import type { SeenFacts, Step } from '../core/runbook.ts'
import { awsCheck, mayLook } from './aws-cli.ts'
import { groupNamed, type LandingPlace } from './landing-security-steps.ts'
import type { LandingEntry } from './landing-zone.ts'
import type { CloudPorts } from './ports.ts'
import type { PrepareFacts, PrepareOptions } from './prepare-facts.ts'

export const LANDING_CHECK = 'check-landing-zone'

/** Under which name the journal has what was made. */
export function seenName(kind: LandingEntry['kind'], name: string): string {
  return `${kind} ${name}`
}

/** The end of it: what of the target stands for what, told and kept in the report. */
export function landingCheck(
  { region }: LandingPlace,
  options: PrepareOptions,
  facts: PrepareFacts,
): Step<CloudPorts> {
  const { vpcId, landing } = facts
  const subnetGroup = facts.subnetGroup?.name ?? targetOf(facts, 'subnet-group')
  const look = { 'db-subnet-group-name': subnetGroup }
  return {
    id: LANDING_CHECK,
    title: `look at what ${options.db} would land in`,
    effect: 'read',
    command: () => [],
    check: () =>
      subnetGroup === undefined
        ? undefined
        : awsCheck(
            ...([region, 'rds', 'describe-db-subnet-groups', look] as const),
            'DBSubnetGroups[].SubnetGroupStatus',
            'Complete',
          ),
    permissions: () => [
      mayLook('rds:DescribeDBSubnetGroups', 'ec2:DescribeSecurityGroups', 'kms:DescribeKey'),
    ],
    async observe({ target }, signal) {
      const seen: Record<string, string> = { vpc: vpcId }
      const missing: string[] = []
      const add = (name: string, value: string | undefined) => {
        if (value === undefined) missing.push(name)
        else seen[name] = value
      }
      for (const { kind, source, target: there } of landing) {
        if (there !== null) add(seenName(kind, source), there)
      }
      if (facts.subnetGroup !== null) {
        const { name } = facts.subnetGroup
        add(seenName('subnet-group', name), (await target.rds.subnetGroup(name, signal))?.name)
      }
      for (const { name } of facts.securityGroups)
        add(seenName('security-group', name), (await groupNamed(target, vpcId, name, signal))?.id)
      if (facts.parameterGroup !== null) {
        const { name } = facts.parameterGroup
        add(
          seenName('parameter-group', name),
          (await target.rds.parameterGroup(facts.kind, name, signal))?.name,
        )
      }
      if (facts.optionGroup !== null) {
        const { name } = facts.optionGroup
        add(seenName('option-group', name), (await target.rds.optionGroup(name, signal))?.name)
      }
      if (facts.key !== null)
        add(seenName('key', facts.key.alias), (await target.kms.key(facts.key.alias, signal))?.arn)
      if (missing.length === 0) return { state: 'done', seen: seen satisfies SeenFacts }
      return {
        ...{ state: 'blocked', reason: `${region} has no ${missing.join(', ')}` },
        hint: 'Somebody has removed it meanwhile: start a new run of prepare.',
      }
    },
    apply: () => Promise.resolve(),
  }
}

function targetOf({ landing }: PrepareFacts, kind: string): string | undefined {
  return landing.find((each) => each.kind === kind)?.target ?? undefined
}
