import { beforeAll, describe, expect, test } from 'vitest'
import { inventoryPorts } from '../../../../src/app/inventory/inventory-ports.ts'
import type { Inventory } from '../../../../src/app/inventory/record.ts'
import { takeInventory } from '../../../../src/app/inventory/take-inventory.ts'
import type { CloudPorts } from '../../../../src/runbooks/ports.ts'
import { gatherPrepare, type PrepareOptions } from '../../../../src/runbooks/prepare-facts.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../../src/simulation/world.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const { signal } = new AbortController()
const id = '20261122T210500Z-k3f9'

describe('an inventory in the place of its region', () => {
  let world: World
  let live: CloudPorts
  let inventory: Inventory

  beforeAll(async () => {
    world = createWorld()
    furnish(world, { source: SOURCE, target: TARGET, db: 'shop', kind: 'instance' })
    live = simulatedPorts(world, SOURCE, TARGET)
    inventory = await takeInventory(
      {
        ...{ ports: live, both: true, databases: undefined, id, job: 'shop', clock: world.time.clock },
        timeoutMs: 60_000,
      },
      signal,
    )
  })

  test('gives the answers that the region gave', async () => {
    const { rds, ec2, kms } = inventoryPorts(inventory)
    const { source } = live
    const [group] = inventory.regions[0]?.securityGroups ?? []
    expect(await rds.instance('shop', signal)).toEqual(await source.rds.instance('shop', signal))
    expect(await rds.instances(signal)).toEqual(await source.rds.instances(signal))
    expect(await rds.instance('other', signal)).toBeUndefined()
    expect(await rds.snapshots('instance', 'shop', signal)).toHaveLength(1)
    expect(await rds.parameterGroup('instance', SCENE.parameterGroup, signal)).toEqual(
      await source.rds.parameterGroup('instance', SCENE.parameterGroup, signal),
    )
    expect(await rds.parameterGroup('instance', 'default.mysql8.0', signal)).toMatchObject({ parameters: [] })
    expect(await ec2.securityGroups([group?.id ?? ''], signal)).toEqual([group])
    expect(await kms.key(SCENE.keyAlias, signal)).toMatchObject({ enabled: true })
    expect(await kms.policy(SCENE.keyAlias, signal)).toBe('{}')
  })

  test('changes nothing, and says why', async () => {
    const { rds, ec2 } = inventoryPorts(inventory)
    await expect(rds.deleteInstance('shop', signal)).rejects.toMatchObject({
      ...{ code: 'step-failed', message: expect.stringContaining('can not be changed') },
    })
    await expect(ec2.allowInbound('sg-1', [], signal)).rejects.toMatchObject({
      details: { fault: 'invalid' },
    })
    await expect(rds.quotas(signal)).rejects.toThrow(/does not say/)
  })

  test('does not take for absent what is unknown', async () => {
    const unknown = { region: SOURCE, what: 'optionGroups', of: 'standard', reason: 'AccessDenied' }
    const [first, ...rest] = inventory.regions
    if (first === undefined) throw new Error('no region')
    const regions = [{ ...first, optionGroups: [] }, ...rest]
    const { rds } = inventoryPorts({ ...inventory, regions, unknown: [unknown] })
    await expect(rds.optionGroup('standard', signal)).rejects.toThrow(/AccessDenied/)
    expect(await rds.optionGroup('another', signal)).toBeUndefined()
  })

  test('is enough to prepare the other region, once its own is dead', async () => {
    const options: PrepareOptions = {
      ...{ source: SOURCE, target: TARGET, db: 'shop', subnetGroup: null, securityGroups: [] },
      ...{ parameterGroup: null, optionGroup: null, kmsKey: null },
    }
    const to = world.region(TARGET)
    to.parameterGroups.clear()
    to.keys.clear()
    const asked = await gatherPrepare(options, live, signal)
    world.region(SOURCE).dead = true
    await expect(gatherPrepare(options, live, signal)).rejects.toMatchObject({
      details: { fault: 'unavailable' },
    })
    const known = await gatherPrepare(options, { ...live, source: inventoryPorts(inventory) }, signal)
    expect(known).toEqual(asked)
    expect(known.parameterGroup?.name).toBe(SCENE.parameterGroup)
  })

  test('has, with its target, what stands for what', () => {
    const [landing] = inventory.landing
    expect(landing?.database).toBe('shop')
    expect(landing?.entries.map(({ kind, target }) => [kind, target])).toEqual([
      ['subnet-group', SCENE.subnetGroup],
      ['security-group', SCENE.securityGroup(TARGET)],
      ['parameter-group', SCENE.parameterGroup],
      ['option-group', SCENE.optionGroup],
      ['key', expect.stringMatching(/^arn:aws:kms:eu-central-1/)],
    ])
  })
})
