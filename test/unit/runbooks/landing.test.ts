import { expect, test } from 'vitest'
import { copySnapshot } from '../../../src/runbooks/copy-snapshot.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const GROUP = SCENE.securityGroup(regions.target)

async function gathered(securityGroup: readonly string[], alter: (world: World) => void = () => undefined) {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  alter(world)
  const options = copySnapshot.choose({ ...regions, db: ['shop'], securityGroup, kmsKey: SCENE.keyAlias })
  return await copySnapshot.gather(options, simulatedPorts(world, regions.source, regions.target), signal)
}

test('a security group that the target region has not got is found before the copy, not hours after', async () => {
  await expect(gathered([GROUP, 'sg-0123456789abcdef0'])).rejects.toMatchObject({
    code: 'step-failed',
    message: "unable to copy a snapshot of 'shop': eu-central-1 has no security group 'sg-0123456789abcdef0'",
    hint: `Name one of vpc-eu-central-1 with --security-group: ${GROUP} (database).`,
  })
})

test('one of another VPC than the subnets too', async () => {
  const elsewhere = (world: World) => {
    const { securityGroups } = world.region(regions.target)
    const found = securityGroups.get(GROUP)
    if (found !== undefined) found.vpcId = 'vpc-other'
  }
  await expect(gathered([GROUP], elsewhere)).rejects.toMatchObject({
    message: expect.stringContaining("is of vpc-other, and subnet group 'private' of vpc-eu-central-1"),
    hint: expect.stringMatching(/none but the default one.*migrate prepare/),
  })
})

test.each(['denied', 'unavailable'] as const)('where EC2 is %s nothing is held up', async (fault) => {
  const mute = (world: World) => world.strike({ operation: 'ec2:DescribeSecurityGroups', fault, times: 5 })
  expect(await gathered(['sg-0123456789abcdef0'], mute)).toMatchObject({ subnetGroup: SCENE.subnetGroup })
})
