import { expect, test } from 'vitest'
import { jobAbout, resolveJobClass } from '../../../src/config/job-class.ts'
import type { LoadedConfig } from '../../../src/config/load.ts'
import { configSchema } from '../../../src/config/schema.ts'

const loaded = (jobs: object, defaults: object = {}): LoadedConfig => ({
  path: '/etc/lifeboat.yaml',
  config: configSchema.parse({ version: 1, defaults, jobs }),
})
const rds = (name: string) => `mysql://backup@${name}.eu-west-1.rds.amazonaws.com`
const SHOP = { region: 'eu-west-1', id: 'shop', hosts: [] }
const nameOf = (...args: Parameters<typeof jobAbout>) => jobAbout(...args)?.name

test('a job is about a database by its endpoint: of an instance, of a cluster, in that region alone', () => {
  expect(nameOf(loaded({ ledger: { source: rds('shop.c1x2') } }), SHOP)).toBe('ledger')
  expect(nameOf(loaded({ ledger: { source: { url: rds('SHOP.cluster-c1x2') } } }), SHOP)).toBe('ledger')
  expect(nameOf(loaded({ ledger: { source: rds('shop2.c1x2') } }), SHOP)).toBeUndefined()
  const elsewhere = 'mysql://backup@shop.c1x2.us-east-1.rds.amazonaws.com'
  expect(nameOf(loaded({ ledger: { source: elsewhere } }), SHOP)).toBeUndefined()
})

test('or by a host that is named, or by its inventory; not by one of all databases of a region', () => {
  const jobs = { ledger: { source: 'postgres://backup@ledger.example.com' } }
  const hosts = ['ledger.example.com']
  expect(nameOf(loaded(jobs), SHOP)).toBeUndefined()
  expect(nameOf(loaded(jobs), { region: undefined, id: undefined, hosts })).toBe('ledger')
  const inventory = { region: 'eu-west-1', databases: ['shop'] }
  expect(nameOf(loaded({ ledger: { ...jobs.ledger, inventory } }), SHOP)).toBe('ledger')
  expect(nameOf(loaded(jobs, { inventory: { region: 'eu-west-1' } }), SHOP)).toBeUndefined()
  expect(nameOf(loaded({ broken: { source: 'nonsense' } }), SHOP)).toBeUndefined()
})

test('of several the strictest holds, and the shortest promise', () => {
  const jobs = {
    nightly: { source: rds('shop.c1x2'), classification: 'development', rto: '1h' },
    ledger: { source: rds('shop.c1x2'), rto: '4h', rpo: '2d' },
    hourly: { source: rds('shop.c1x2'), classification: 'business-critical', rpo: '2h' },
  }
  expect(jobAbout(loaded(jobs), SHOP)).toEqual({
    ...{ name: 'ledger', classification: 'regulated', classified: false },
    ...{ rtoMs: 3_600_000, rpoMs: 7_200_000 },
  })
  expect(jobAbout(loaded(jobs, { classification: 'development' }), SHOP)).toMatchObject({ name: 'hourly' })
})

test('a job by its name; one that is not there is told with what is near', () => {
  const config = loaded({
    ledger: { source: rds('other.c1x2'), classification: 'business-critical', rto: '4h' },
  })
  expect(resolveJobClass(config, 'ledger')).toMatchObject({ classified: true, rtoMs: 14_400_000 })
  expect(() => resolveJobClass(config, 'ledgr')).toThrow(/no job 'ledgr'/)
})
