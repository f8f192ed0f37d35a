import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DUMP_RULES, type DumpFacts } from '../../../../src/app/policy/dump-rules.ts'
import { brokenOf, judge, type Known } from '../../../../src/app/policy/rule.ts'
import { CLASSIFICATIONS, type Classification } from '../../../../src/core/classification.ts'
import { DAY_MS, daysAgo, drillFacts, dumpFacts, NOW } from './dump-facts-of.ts'

const brokenBy = (classification: Classification, but: Partial<DumpFacts>) =>
  brokenOf(judge(DUMP_RULES, classification, dumpFacts(but))).map(({ rule, state }) => `${rule} ${state}`)
const bucket = (encryption: Known<string | undefined>) => ({ buckets: [{ name: 's3://far', encryption }] })
const known = <T>(value: T): Known<T> => ({ known: true, value })
const unknown = { known: false, reason: 'no answer within 10 s' } as const

describe('rule × class', () => {
  const R = 'regulated'
  const B = 'business-critical'
  const cases: readonly (readonly [string, Partial<DumpFacts>, Partial<Record<Classification, string[]>>])[] =
    [
      ['all of it', {}, {}],
      ['one key', { recipients: known(1) }, { [R]: ['recipients violated'] }],
      ['three keys', { recipients: known(3) }, {}],
      [
        'no encryption',
        { recipients: known(0) },
        { [R]: ['recipients violated'], [B]: ['encryption violated'] },
      ],
      [
        'a key file that is not there',
        { recipients: unknown },
        { [R]: ['recipients unknown'], [B]: ['encryption unknown'] },
      ],
      ['a Unix socket', { connection: 'socket' }, {}],
      ['a certificate with any name', { connection: 'verify-ca' }, { [R]: ['tls violated'] }],
      ['any certificate', { connection: 'require' }, { [R]: ['tls violated'] }],
      ['no TLS', { connection: 'disable' }, { [R]: ['tls violated'] }],
      ['no signature', { signed: false }, { [R]: ['signing violated'] }],
      ['no bucket', { buckets: [] }, {}],
      ['dual-layer KMS', bucket(known('aws:kms:dsse')), {}],
      ['SSE-S3', bucket(known('AES256')), { [R]: ['sse-kms violated'] }],
      ['something new', bucket(known('aws:kmsx')), { [R]: ['sse-kms violated'] }],
      ['a bucket without encryption', bucket(known(undefined)), { [R]: ['sse-kms violated'] }],
      ['a bucket that does not say', bucket(unknown), { [R]: ['sse-kms unknown'] }],
      ['no audit log', { audit: false }, { [R]: ['audit violated'] }],
      ['no verification', { verify: false }, { [B]: ['verification violated'] }],
      ['no RTO', { rtoMs: undefined }, { [B]: ['rto violated'] }],
      ['no RPO', { rpoMs: undefined }, { [B]: ['rpo violated'] }],
      ['no drill', { drill: drillFacts(undefined) }, { [R]: ['drill violated'] }],
      [
        'a drill too long ago',
        { drill: drillFacts({ at: daysAgo(91), outcome: 'passed' }) },
        { [R]: ['drill violated'] },
      ],
      ['a drill just in time', { drill: drillFacts({ at: daysAgo(90), outcome: 'passed' }) }, {}],
      [
        'a drill that failed',
        { drill: drillFacts({ at: daysAgo(1), outcome: 'failed' }) },
        { [R]: ['drill violated'] },
      ],
      [
        'a drill from tomorrow',
        { drill: drillFacts({ at: daysAgo(-1), outcome: 'passed' }) },
        { [R]: ['drill violated'] },
      ],
      ['no drill, no backup', { drill: drillFacts(undefined, 'none') }, {}],
      [
        'no drill, old ones pruned',
        { drill: drillFacts(undefined, daysAgo(7), daysAgo(91)) },
        { [R]: ['drill violated'] },
      ],
      ['no drill since not long', { drill: drillFacts(undefined, daysAgo(7), daysAgo(30)) }, {}],
      [
        'a drill long ago, old ones pruned',
        { drill: drillFacts({ at: daysAgo(91), outcome: 'passed' }, daysAgo(7)) },
        { [R]: ['drill violated'] },
      ],
      [
        'a drill long ago, no backup',
        { drill: drillFacts({ at: daysAgo(91), outcome: 'passed' }, 'none') },
        {},
      ],
      ['no drill, young backups', { drill: drillFacts(undefined, daysAgo(90)) }, {}],
      [
        'a failed drill, young backups',
        { drill: drillFacts({ at: daysAgo(1), outcome: 'failed' }, daysAgo(2)) },
        {},
      ],
      [
        'a place that is silent',
        { drill: { history: unknown, maxAgeMs: DAY_MS, now: NOW } },
        { [R]: ['drill unknown'] },
      ],
    ]

  test.each(cases)('%s', (_, but, expected) => {
    for (const classification of CLASSIFICATIONS) {
      expect(brokenBy(classification, but), classification).toEqual(expected[classification] ?? [])
    }
  })

  test('every rule has a case that breaks it, and every class that it holds for too', () => {
    const broken = cases.flatMap(([, , expected]) =>
      Object.entries(expected).flatMap(([classification, rules]) =>
        rules.map((rule) => `${classification} ${rule.split(' ')[0]}`),
      ),
    )
    const all = DUMP_RULES.flatMap(({ name, classes }) => classes.map((each) => `${each} ${name}`))
    expect([...new Set(broken)].toSorted()).toEqual(all.toSorted())
  })

  test('of several buckets the worst is told, each by its name', () => {
    const buckets = [
      { name: 's3://good', encryption: known('aws:kms') },
      { name: 's3://silent', encryption: unknown },
      { name: 's3://plain', encryption: known('AES256') },
    ]
    const [broken] = brokenOf(judge(DUMP_RULES, 'regulated', dumpFacts({ buckets })))
    expect(broken).toMatchObject({ state: 'violated', found: 's3://plain: AES256' })
  })
})

describe('adding protection never adds a violation', () => {
  const facts: fc.Arbitrary<DumpFacts> = fc.record({
    recipients: fc.oneof(fc.constant(unknown), fc.nat(3).map(known)),
    connection: fc.constantFrom('socket', 'verify-full', 'verify-ca', 'require', 'disable'),
    signed: fc.boolean(),
    buckets: fc.array(
      fc.record({
        name: fc.constant('s3://any'),
        encryption: fc.oneof(
          fc.constant(unknown),
          fc.constantFrom('aws:kms', 'AES256', undefined).map(known),
        ),
      }),
      { maxLength: 3 },
    ),
    audit: fc.boolean(),
    drill: fc.record({
      history: fc.oneof(
        fc.constant(unknown),
        fc
          .record({
            last: fc.option(
              fc.record({
                at: fc.integer({ min: -2, max: 200 }).map(daysAgo),
                outcome: fc.constantFrom('passed', 'failed'),
              }),
              { nil: undefined },
            ),
            undrilledSince: fc.option(fc.integer({ min: 0, max: 200 }).map(daysAgo), { nil: undefined }),
            oldestBackup: fc.option(fc.integer({ min: 0, max: 200 }).map(daysAgo), { nil: undefined }),
          })
          .map(known),
      ),
      maxAgeMs: fc.integer({ min: 1, max: 100 }).map((days) => days * DAY_MS),
      now: fc.constant(NOW),
    }),
    verify: fc.boolean(),
    rtoMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    rpoMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
  })

  /** Each makes one thing safer, and nothing less safe. */
  const protections: readonly ((facts: DumpFacts) => DumpFacts)[] = [
    (f) => ({ ...f, recipients: known(f.recipients.known ? f.recipients.value + 1 : 2) }),
    (f) => ({ ...f, connection: 'verify-full' }),
    (f) => ({ ...f, signed: true }),
    (f) => ({ ...f, buckets: f.buckets.map(({ name }) => ({ name, encryption: known('aws:kms') })) }),
    (f) => ({ ...f, buckets: [...f.buckets, { name: 's3://more', encryption: known('aws:kms') }] }),
    (f) => ({ ...f, audit: true }),
    (f) => ({
      ...f,
      drill: {
        ...f.drill,
        history: known({
          oldestBackup: undefined,
          undrilledSince: undefined,
          ...(f.drill.history.known && f.drill.history.value),
          last: { at: NOW, outcome: 'passed' },
        }),
      },
    }),
    (f) => ({ ...f, verify: true }),
    (f) => ({ ...f, rtoMs: f.rtoMs ?? DAY_MS, rpoMs: f.rpoMs ?? DAY_MS }),
  ]

  test('whatever the facts, whatever the class', () => {
    fc.assert(
      fc.property(
        facts,
        fc.constantFrom(...CLASSIFICATIONS),
        fc.subarray([...protections]),
        (before, of, added) => {
          const rulesOf = (now: DumpFacts) => brokenOf(judge(DUMP_RULES, of, now)).map(({ rule }) => rule)
          const after = added.reduce((now, protect) => protect(now), before)
          expect(rulesOf(before)).toEqual(expect.arrayContaining(rulesOf(after)))
        },
      ),
    )
  })

  test('and all of it together leaves none', () => {
    fc.assert(
      fc.property(facts, fc.constantFrom(...CLASSIFICATIONS), (before, of) => {
        const twice = [...protections, ...protections]
        const after = twice.reduce((now, protect) => protect(now), before)
        expect(brokenOf(judge(DUMP_RULES, of, after))).toEqual([])
      }),
    )
  })

  test('whatever is broken says what was found and what to do', () => {
    fc.assert(
      fc.property(facts, (before) => {
        for (const { found, remedy } of brokenOf(judge(DUMP_RULES, 'regulated', before))) {
          expect(found).not.toBe('')
          expect(remedy).toMatch(/^[A-Z].*\.$/)
        }
      }),
    )
  })
})
