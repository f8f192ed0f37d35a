import { type CliLine, RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook } from './aws-cli.ts'
import type { SecurityRule } from './ports/ec2.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import type { PlannedRule, PrepareFacts } from './prepare-facts.ts'

export interface LandingPlace {
  readonly region: string
  readonly account: string
  readonly run: RunName
}

type Group = PrepareFacts['securityGroups'][number]

const LOOK = 'ec2:DescribeSecurityGroups'

export function createGroup(
  { region, account, run }: LandingPlace,
  vpcId: string,
  { name, description }: Group,
  number: number,
): Step<CloudPorts> {
  const filters = [`Name=vpc-id,Values=${vpcId}`, `Name=group-name,Values=${name}`]
  return {
    id: `create-security-group-${number}`,
    title: `create security group ${name} in ${vpcId}`,
    effect: 'create',
    command: () => [
      {
        ...aws(region, 'ec2', 'create-security-group', {
          ...{ 'group-name': name, description, 'vpc-id': vpcId },
          'tag-specifications': `ResourceType=security-group,Tags=[{Key=${RUN_TAG},Value=${run.id}}]`,
          ...{ query: 'GroupId', output: 'text' },
        }),
        assign: `GROUP_${number}`,
      },
    ],
    check: () =>
      awsCheck(
        ...([region, 'ec2', 'describe-security-groups', { filters }] as const),
        'SecurityGroups[].GroupName',
        name,
      ),
    permissions: () => [
      mayLook(LOOK),
      {
        actions: ['ec2:CreateSecurityGroup', 'ec2:CreateTags'],
        resources: [
          `arn:aws:ec2:${region}:${account}:security-group/*`,
          `arn:aws:ec2:${region}:${account}:vpc/${vpcId}`,
        ],
      },
    ],
    async observe({ target }, signal) {
      const found = await groupNamed(target, vpcId, name, signal)
      return found === undefined ? { state: 'todo' } : { state: 'done', seen: { group: found.id } }
    },
    async apply({ target: { ec2 } }, signal) {
      await ec2.createSecurityGroup({ name, description, vpcId, tags: { [RUN_TAG]: run.id } }, signal)
    },
  }
}

export function openGroup(
  { region, account }: LandingPlace,
  vpcId: string,
  { name, rules }: Group,
  number: number,
): Step<CloudPorts> {
  const resolved = async (target: RegionPorts, signal: AbortSignal): Promise<readonly SecurityRule[]> =>
    Promise.all(
      rules.map(async ({ peerIsName, ...rule }) => {
        if (!peerIsName) return rule
        const peer = await groupNamed(target, vpcId, rule.peer, signal)
        return { ...rule, peer: peer?.id ?? rule.peer }
      }),
    )
  return {
    id: `open-security-group-${number}`,
    title: `let in through security group ${name} who may come in through that of the source`,
    effect: 'create',
    command: () => ruleLines(region, vpcId, rules, number),
    check: () =>
      awsCheck(
        ...([region, 'ec2', 'describe-security-groups', { 'group-ids': `$GROUP_${number}` }] as const),
        // One that is let in is one entry, whatever AWS puts together under one port.
        'length(SecurityGroups[].IpPermissions[].[IpRanges,Ipv6Ranges,UserIdGroupPairs,PrefixListIds][][])',
        String(rules.length),
      ),
    permissions: () => [
      mayLook(LOOK),
      {
        actions: ['ec2:AuthorizeSecurityGroupIngress'],
        resources: [`arn:aws:ec2:${region}:${account}:security-group/*`],
      },
    ],
    async observe({ target }, signal) {
      const group = await groupNamed(target, vpcId, name, signal)
      if (group === undefined) return { state: 'blocked', reason: `${vpcId} has no security group ${name}` }
      const wanted = await resolved(target, signal)
      const lacking = wanted.filter((rule) => !group.inbound.some((each) => isSame(each, rule)))
      return lacking.length === 0 ? { state: 'done', seen: { rules: wanted.length } } : { state: 'todo' }
    },
    async apply({ target }, signal) {
      const group = await groupNamed(target, vpcId, name, signal)
      if (group !== undefined) await target.ec2.allowInbound(group.id, await resolved(target, signal), signal)
    },
  }
}

export async function groupNamed({ ec2 }: RegionPorts, vpcId: string, name: string, signal: AbortSignal) {
  return (await ec2.securityGroups(undefined, signal)).find(
    (group) => group.vpcId === vpcId && group.name === name,
  )
}

function isSame(a: SecurityRule, b: SecurityRule): boolean {
  return a.protocol === b.protocol && a.fromPort === b.fromPort && a.toPort === b.toPort && a.peer === b.peer
}

/** Rules of addresses in one line; each of a group by itself, after a look for the id that the group has there. */
function ruleLines(
  region: string,
  vpcId: string,
  rules: readonly PlannedRule[],
  number: number,
): readonly CliLine[] {
  const group = `$GROUP_${number}`
  const plain = rules.filter(({ peerIsName }) => !peerIsName)
  const named = rules.filter(({ peerIsName }) => peerIsName)
  const open = (words: Parameters<typeof aws>[3]) =>
    aws(region, 'ec2', 'authorize-security-group-ingress', { 'group-id': group, ...words })
  return [
    ...(plain.length === 0 ? [] : [open({ 'ip-permissions': plain.map(permissionWords) })]),
    ...named.flatMap(({ protocol, fromPort, toPort, peer }, index) => {
      const assign = `PEER_${number}_${index + 1}`
      const filters = [`Name=vpc-id,Values=${vpcId}`, `Name=group-name,Values=${peer}`]
      const look = { filters, query: 'SecurityGroups[].GroupId', output: 'text' }
      const port = fromPort === undefined ? undefined : `${fromPort}-${toPort ?? fromPort}`
      return [
        { ...aws(region, 'ec2', 'describe-security-groups', look), assign },
        open({ protocol, port, 'source-group': `$${assign}` }),
      ]
    }),
  ]
}

function permissionWords({ protocol, fromPort, toPort, peer }: PlannedRule): string {
  const ports = fromPort === undefined ? '' : `FromPort=${fromPort},ToPort=${toPort ?? fromPort},`
  const who = peer.includes(':') ? `Ipv6Ranges=[{CidrIpv6=${peer}}]` : `IpRanges=[{CidrIp=${peer}}]`
  return `IpProtocol=${protocol},${ports}${who}`
}
