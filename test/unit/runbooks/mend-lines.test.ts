import { expect, test } from 'vitest'
import { shellLine } from '../../../src/core/shell-line.ts'
import { mendLines, type Weakness } from '../../../src/runbooks/mend-lines.ts'
import { PARITY_CHECKS, type ParityCheck } from '../../../src/runbooks/parity.ts'
import type { Posture } from '../../../src/runbooks/posture.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish } from '../../../src/simulation/scene.ts'
import { createWorld } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const rule = { groupId: 'sg-1', protocol: 'tcp', fromPort: 3306, toPort: 3306 }
const source: Posture = {
  ...{ encrypted: true, public: false, tlsForced: true, deletionProtection: true, backupDays: 7 },
  ...{ logExports: ['error', 'audit'], iamAuthentication: true, parameters: { b: 'x, y', a: '1' } },
  inbound: [{ ...rule, peer: '10.0.0.0/16' }],
}
const target: Posture = {
  ...{ encrypted: false, public: true, tlsForced: false, deletionProtection: false, backupDays: 1 },
  ...{ logExports: ['error'], iamAuthentication: false, parameters: { a: '1' } },
  inbound: [
    { ...rule, peer: '10.0.0.0/16' },
    { ...rule, peer: '0.0.0.0/0' },
    { groupId: 'sg-2', protocol: '-1', peer: '::/0' },
  ],
}

async function weaknessOf(kind: 'instance' | 'cluster', group = 'tuned'): Promise<Weakness> {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind, global: 'none' })
  const { rds } = simulatedPorts(world, regions.source, regions.target).source
  const shared = { region: 'eu-west-1', source, target }
  const cluster = await rds.cluster('shop', signal)
  const instance = await rds.instance('shop', signal)
  if (cluster !== undefined)
    return { ...shared, found: { kind: 'cluster', database: { ...cluster, parameterGroup: group } } }
  if (instance === undefined) throw new Error('the scene has no database')
  const parameterGroups = [{ name: group, status: 'in-sync' }]
  return { ...shared, found: { kind: 'instance', database: { ...instance, parameterGroups } } }
}

const linesOf = async (kind: 'instance' | 'cluster', check: ParityCheck, group?: string) =>
  mendLines(check, await weaknessOf(kind, group)).map(shellLine)

const MODIFY = 'aws rds modify-db-instance --region eu-west-1 --db-instance-identifier'
test.each<[ParityCheck, readonly string[]]>([
  ['encryption', []],
  ['public-access', [`${MODIFY} shop --no-publicly-accessible --apply-immediately`]],
  ['deletion-protection', [`${MODIFY} shop --deletion-protection --apply-immediately`]],
  ['backup-retention', [`${MODIFY} shop --backup-retention-period 7 --apply-immediately`]],
  [
    'log-exports',
    [
      `${MODIFY} shop --cloudwatch-logs-export-configuration '{"EnableLogTypes":["audit"]}' --apply-immediately`,
    ],
  ],
  ['iam-authentication', [`${MODIFY} shop --enable-iam-database-authentication --apply-immediately`]],
  [
    'security-groups',
    [
      `aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-1 --ip-permissions '[{"IpProtocol":"tcp","FromPort":3306,"ToPort":3306,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]'`,
      `aws ec2 revoke-security-group-ingress --region eu-west-1 --group-id sg-2 --ip-permissions '[{"IpProtocol":"-1","Ipv6Ranges":[{"CidrIpv6":"::/0"}]}]'`,
    ],
  ],
  [
    'parameters',
    [
      `aws rds modify-db-parameter-group --region eu-west-1 --db-parameter-group-name tuned --parameters '[{"ParameterName":"b","ParameterValue":"x, y","ApplyMethod":"pending-reboot"}]'`,
      'aws rds reboot-db-instance --region eu-west-1 --db-instance-identifier shop',
    ],
  ],
])('%s of an instance', async (check, lines) => {
  expect(await linesOf('instance', check)).toEqual(lines)
})

test('of a cluster its own calls, and its members where only they have it', async () => {
  const lines = Object.fromEntries(
    await Promise.all(PARITY_CHECKS.map(async (check) => [check, await linesOf('cluster', check)] as const)),
  )
  expect(lines['public-access']).toEqual([
    `${MODIFY} shop-1 --no-publicly-accessible --apply-immediately`,
    `${MODIFY} shop-2 --no-publicly-accessible --apply-immediately`,
  ])
  expect(lines['tls-forced']?.[0]).toMatch(
    /^aws rds modify-db-cluster-parameter-group .*require_secure_transport/,
  )
  expect(lines['deletion-protection']?.[0]).toMatch(/^aws rds modify-db-cluster /)
})

test("AWS's own parameter group can not be changed: there is no line", async () => {
  expect(await linesOf('instance', 'parameters', 'default.mysql8.0')).toEqual([])
  expect(await linesOf('instance', 'tls-forced', 'default.mysql8.0')).toEqual([])
})
