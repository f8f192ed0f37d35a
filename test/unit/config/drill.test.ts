import { describe, expect, test } from 'vitest'
import { resolveDrill } from '../../../src/config/drill.ts'
import { parseConfig } from '../../../src/config/load.ts'

const load = (job: string, more = '') => ({
  path: 'lifeboat.yaml',
  config: parseConfig(
    `version: 1
keys: { shop: { public: /k/shop.pub.asc, secret: /k/shop.sec.asc, passphrase: 'env:P' }, half: { public: /k/half.pub.asc } }
sinks: { near: { url: file:///near } }
notify: { watch: { type: healthchecks, url: 'env:W' }, chat: { type: slack, url: 'env:S' } }
${more}
jobs:
  shop: { source: 'mysql://x', sinks: [near], encryption: false, notify: [watch, chat], ${job} }
`,
    'lifeboat.yaml',
  ),
})
const drillOf = (job: string, more?: string) => resolveDrill(load(job, more), 'shop')
const expectOf = (value: string) =>
  drillOf(`checks: [{ name: a, query: SELECT 1, expect: ${value} }]`).checks[0]?.expect

describe('how a job is drilled', () => {
  test('is local and keyless unless it is said', () => {
    expect(drillOf('jobs: 1')).toMatchObject({ target: { kind: 'local' }, key: undefined, checks: [] })
  })

  test.for([
    ['drill: { container: true }', { kind: 'container', image: undefined }],
    ['drill: { container: "mysql:8.4.2" }', { kind: 'container', image: 'mysql:8.4.2' }],
    [
      'drill: { into: "mysql://scratch" }',
      { kind: 'into', url: 'mysql://scratch', password: undefined, replace: false },
    ],
    [
      'drill: { into: { url: "mysql://scratch", password: "env:X", replace: true } }',
      { kind: 'into', url: 'mysql://scratch', password: 'env:X', replace: true },
    ],
  ] as const)('%s', ([job, target]) => {
    expect(drillOf(job).target).toEqual(target)
  })

  test('takes what the defaults say, but its own place before theirs', () => {
    const defaults = 'defaults: { drill: { container: true, key: shop, maxAge: 30d } }'
    expect(drillOf('drill: { local: true }', defaults)).toMatchObject({
      target: { kind: 'local' },
      key: { file: '/k/shop.sec.asc', passphrase: 'env:P' },
    })
    expect(drillOf('jobs: 1', defaults).target.kind).toBe('container')
  })

  test('tells whom the job tells, but the check that watches its dumps', () => {
    expect(drillOf('jobs: 1').notify.map(({ name }) => name)).toEqual(['chat'])
    expect(drillOf('drill: { notify: [watch] }').notify.map(({ name }) => name)).toEqual(['watch'])
  })

  test.for([
    ['3', { kind: 'equals', value: 3 }],
    ['true', { kind: 'equals', value: true }],
    ['open', { kind: 'equals', value: 'open' }],
    ['entry', { kind: 'equals', value: 'entry' }],
    ["'>= 10'", { kind: 'compares', by: '>=', value: 10 }],
    ["'<-0.5'", { kind: 'compares', by: '<', value: -0.5 }],
    ['not empty', { kind: 'not-empty' }],
    ['{ maxAge: 26h }', { kind: 'max-age', mostMs: 93_600_000, text: '26h' }],
    ["{ equals: '>= 10' }", { kind: 'equals', value: '>= 10' }],
  ] as const)('expects %s', ([text, expected]) => {
    expect(expectOf(text)).toEqual(expected)
  })

  test.for([
    ['drill: { local: true, container: true }', /several servers/],
    ['drill: { key: shopp }', /no key 'shopp'/],
    ['drill: { key: half }', /has no secret file/],
    ['drill: { notify: [nobody] }', /no notification 'nobody'/],
    ["checks: [{ name: a, query: b, expect: '=> 3' }]", /no comparison/],
    ['checks: [{ name: a, query: b, expect: not_empty }]', /no comparison/],
    ['checks: [{ name: a, query: b, expect: 1 }, { name: a, query: c, expect: 1 }]', /two checks 'a'/],
    ['checks: [{ name: a, query: b }]', /expect/],
    ['drill: { scratch: relative }', /full path/],
    ['drill: { containr: true }', /did you mean 'container'/],
  ] as const)('refuses %s', ([job, reason]) => {
    expect(() => drillOf(job)).toThrow(reason)
  })
})
