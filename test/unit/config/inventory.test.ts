import { describe, expect, test } from 'vitest'
import { resolveInventory } from '../../../src/config/inventory.ts'
import { parseConfig } from '../../../src/config/load.ts'

const resolve = (job: string, defaults = '') => {
  const text = `version: 1
defaults: { classification: development, ${defaults} }
jobs:
  shop: { source: 'mysql://db', ${job} }
`
  return resolveInventory({ path: 'lifeboat.yaml', config: parseConfig(text, 'lifeboat.yaml') }, 'shop')
}

describe('resolveInventory', () => {
  test('gives what the job says', () => {
    const job =
      'inventory: { region: eu-west-1, target: eu-central-1, databases: [shop], profile: ops, timeout: 90s }'
    expect(resolve(job)).toEqual({
      ...{
        region: 'eu-west-1',
        target: 'eu-central-1',
        databases: ['shop'],
        profile: 'ops',
        timeoutMs: 90_000,
      },
    })
  })

  test('else that of the defaults, never half of each', () => {
    const defaults = 'inventory: { region: us-east-1, target: us-west-2 }'
    expect(resolve('', defaults)).toMatchObject({ region: 'us-east-1', target: 'us-west-2' })
    expect(resolve('inventory: { region: eu-west-1 }', defaults)).toMatchObject({
      ...{ region: 'eu-west-1', target: undefined },
    })
  })

  test('is none where nobody wants one', () => {
    expect(resolve('')).toBeUndefined()
  })

  test.each([
    ['inventory: { region: Frankfurt }', /region is expected/],
    ['inventory: { target: eu-west-1 }', /region/],
    ['inventory: { region: eu-west-1, databases: [] }', /databases/],
    ['inventory: { region: eu-west-1, target: eu-west-1 }', /for region and target/],
    ['inventory: { region: eu-west-1, db: shop }', /db/],
  ])('%s is a mistake', (job, reason) => {
    let message = ''
    try {
      resolve(job)
    } catch (thrown) {
      message = `${String(thrown)} ${JSON.stringify(thrown)}`
    }
    expect(message).toMatch(reason)
  })
})
