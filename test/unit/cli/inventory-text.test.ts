import { expect, test } from 'vitest'
import { takeInventory } from '../../../src/app/inventory/take-inventory.ts'
import { inventoryText } from '../../../src/cli/inventory-text.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish } from '../../../src/simulation/scene.ts'
import { createWorld } from '../../../src/simulation/world.ts'

const [source, target] = ['eu-west-1', 'eu-central-1']

test.each(['instance', 'cluster'] as const)(
  'a copy of a snapshot of an %s is shown where it lies',
  async (kind) => {
    const world = createWorld()
    furnish(world, { source, target, db: 'shop', kind, ...(kind === 'cluster' && { global: 'none' }) })
    const taken = { both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'inventory' }
    const inventory = await takeInventory(
      { ports: simulatedPorts(world, source, target), ...taken, clock: world.time.clock, timeoutMs: 60_000 },
      new AbortController().signal,
    )
    const [, across = ''] = inventoryText(inventory, undefined).split(`target ${target}`)
    expect(across).toContain(`  snapshots of ${kind} shop: 1, the newest shop-copy of `)
    expect(across).not.toContain('nothing of them is across')
  },
)
