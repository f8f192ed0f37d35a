import { beforeAll, describe } from 'vitest'
import { simulatedPorts } from '../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import { createWorld } from '../../src/simulation/world.ts'
import { type CloudUnderTest, describeCloud } from './cloud-suite.ts'

describe('simulation', () => {
  let cloud: CloudUnderTest
  beforeAll(() => {
    const world = createWorld()
    const place = { source: 'eu-west-1', target: 'eu-central-1' }
    furnish(world, { ...place, db: 'cluster-of-the-scene', kind: 'cluster' })
    furnish(world, { ...place, db: 'instance-of-the-scene', kind: 'instance' })
    const instanceClass = SCENE.instanceClass
    cloud = {
      ports: simulatedPorts(world, place.source, place.target),
      zoneId: SCENE.zone,
      instance: { engine: 'mysql', engineVersion: '8.0.40', family: 'mysql8.0', instanceClass },
      cluster: {
        ...{ engine: 'aurora-mysql', engineVersion: '8.0.mysql_aurora.3.08.0', family: 'aurora-mysql8.0' },
        instanceClass,
      },
      pass: async () => world.time.pass(60_000),
      cleanup: async () => undefined,
    }
  })

  describeCloud('in memory', () => cloud)
})
