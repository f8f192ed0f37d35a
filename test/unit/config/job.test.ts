import { describe, expect, test } from 'vitest'
import { resolveJob } from '../../../src/config/job.ts'
import { parseConfig } from '../../../src/config/load.ts'

const head = `version: 1
keys:
  ops: { public: /keys/ops.asc }
  cold: { secret: /keys/cold.asc }
sinks:
  far: { url: 's3://far', password: env:FAR }
  near: { url: file:///near }
defaults:
  sinks: [near]
  recipients: [ops]
  timeouts: { stall: 20m }
  codec: zstd
jobs:
`
const resolve = (job: string, name = 'shop') =>
  resolveJob({ path: 'lifeboat.yaml', config: parseConfig(`${head}  shop: ${job}`, 'lifeboat.yaml') }, name)

describe('resolveJob', () => {
  test('takes from the defaults what the job does not say', () => {
    expect(resolve('{ source: mysql://db }')).toMatchObject({
      name: 'shop',
      source: { url: 'mysql://db' },
      sinks: [{ name: 'near', url: 'file:///near' }],
      recipients: ['/keys/ops.asc'],
      codec: 'zstd',
      stallTimeoutMs: 1_200_000,
      runTimeoutMs: undefined,
    })
  })

  test('what the job says wins, one timeout by the other', () => {
    const job = resolve(
      '{ source: { url: mysql://db, password: env:X }, sinks: [far, near], timeouts: { run: 3d } }',
    )
    expect(job).toMatchObject({
      source: { url: 'mysql://db', password: 'env:X' },
      sinks: [{ name: 'far', password: 'env:FAR' }, { name: 'near' }],
      stallTimeoutMs: 1_200_000,
      runTimeoutMs: 259_200_000,
    })
    expect(resolve('{ source: mysql://db, encryption: false }').recipients).toEqual([])
  })

  test('counts as regulated where nobody says a class, and takes what it is held to', () => {
    expect(resolve('{ source: mysql://db }')).toMatchObject({
      classification: 'regulated',
      classified: false,
      verify: undefined,
      rtoMs: undefined,
      drill: { maxAgeMs: undefined },
    })
    const told =
      '{ source: mysql://db, classification: business-critical, rto: 4h, rpo: 90d, drill: { maxAge: 30d } }'
    expect(resolve(told)).toMatchObject({
      classification: 'business-critical',
      classified: true,
      rtoMs: 14_400_000,
      rpoMs: 7_776_000_000,
      drill: { maxAgeMs: 2_592_000_000 },
    })
    expect(() => resolve('{ source: mysql://db, classification: secret }')).toThrow(/classification/)
    expect(() => resolve('{ source: mysql://db, rto: 0h }')).toThrow(/rto: 0h is no time/)
  })

  test('takes the lease of the defaults, one setting by the other, and lets a job do without', () => {
    const leaseOf = (defaults: string, job: string) =>
      resolveJob(
        {
          path: 'lifeboat.yaml',
          config: parseConfig(
            `${head.replace('  codec: zstd', `  lease: ${defaults}`)}  shop: { source: x, ${job} }`,
            'lifeboat.yaml',
          ),
        },
        'shop',
      ).lease
    expect(leaseOf('{ time: 30m }', 'jobs: 1')).toEqual({ ttlMs: 1_800_000, waitMs: undefined })
    expect(leaseOf('{ time: 30m }', 'lease: { wait: 1h }')).toEqual({ ttlMs: 1_800_000, waitMs: 3_600_000 })
    expect(leaseOf('{ time: 30m }', 'lease: false')).toBe(false)
    expect(leaseOf('false', 'jobs: 1')).toBe(false)
    expect(leaseOf('false', 'lease: { time: 24h }')).toEqual({ ttlMs: 86_400_000, waitMs: undefined })
    expect(resolve('{ source: x }').lease).toEqual({ ttlMs: undefined, waitMs: undefined })
  })

  test.for([
    ['{ source: x, sinks: [fra] }', /there is no sink 'fra', which job 'shop' names/, /Did you mean 'far'\?/],
    ['{ source: x, recipients: [opps] }', /there is no key 'opps'/, /Did you mean 'ops'\?/],
    ['{ source: x, recipients: [cold] }', /key 'cold' has no public file/, /keys\.cold\.public/],
    ['{ source: x, recipients: [ops], encryption: false }', /recipients and says encryption: false/, /out/],
    ['{ source: x, timeouts: { run: 99999d } }', /timeouts\.run: 99999d/, /6h/],
    ['{ source: x, lease: { time: 59s } }', /lease\.time: 59s is not between 1m and 24h/, /15m/],
    ['{ source: x, lease: { time: 2d } }', /lease\.time: 2d is not between 1m and 24h/, /15m/],
    ['{ source: x, timeouts: { stall: 0s } }', /timeouts\.stall: 0s/, /10m/],
  ] as const)('refuses %s', ([job, message, hint]) => {
    expect(() => resolve(job)).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    )
  })

  test('a retention of its own replaces that of the defaults as a whole', () => {
    const withDefaults = (job: string) =>
      resolveJob(
        {
          path: 'lifeboat.yaml',
          config: parseConfig(
            `${head.replace('codec: zstd', 'retention: { daily: 7, yearly: 3 }')}  shop: ${job}`,
            'lifeboat.yaml',
          ),
        },
        'shop',
      ).retention
    expect(withDefaults('{ source: mysql://db }')).toEqual({ daily: 7, yearly: 3 })
    expect(withDefaults('{ source: mysql://db, retention: { last: 3 } }')).toEqual({ last: 3 })
    expect(resolve('{ source: mysql://db }').retention).toBeUndefined()
  })

  test.each(['{}', '{ minimum: 3 }'])('a retention without a rule is a mistake: %s', (retention) => {
    expect(() => resolve(`{ source: mysql://db, retention: ${retention} }`)).toThrow(/has no rule/)
  })

  test.each([
    ['{ dayly: 7 }', /no such key; did you mean 'daily'/],
    ['{ daily: 0 }', /at least 1/],
    ['{ daily: all }', /number is expected/],
  ])('a retention with a mistake is refused: %s', (retention, reason) => {
    expect(() => resolve(`{ source: mysql://db, retention: ${retention} }`)).toThrow(reason)
  })

  test('names the jobs that there are', () => {
    expect(() => resolve('{ source: x }', 'shp')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("Did you mean 'shop'?") }),
    )
  })
})
