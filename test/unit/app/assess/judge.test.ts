import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Answer, known, type Obstacle, unknown } from '../../../../src/app/assess/answer.ts'
import type { Case } from '../../../../src/app/assess/conditions.ts'
import type {
  DatabaseEvidence,
  Evidence,
  Identity,
  PlaneState,
  SnapshotSeen,
} from '../../../../src/app/assess/evidence.ts'
import { judge } from '../../../../src/app/assess/judge.ts'
import { ASSESSED_WAYS, lostMs, type Verdict } from '../../../../src/app/assess/verdict.ts'
import type { LandingEntry } from '../../../../src/runbooks/landing-zone.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const AT = '2026-11-22T21:05:00.000Z'

const obstacle = fc.constantFrom<Obstacle>(
  'throttled',
  'denied',
  'dead',
  'refused',
  'not-asked',
  'no-credentials',
)

function answer<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Answer<T>> {
  return fc.oneof(
    { weight: 4, arbitrary: value.map((each) => known(each)) },
    { weight: 1, arbitrary: value.map((each) => known(each, '2026-11-20T00:00:00Z')) },
    { weight: 1, arbitrary: obstacle.map((each) => unknown(each, 'somebody said no')) },
  )
}

const time = fc.option(
  fc
    .integer({ min: -3_600, max: 40 * 86_400 })
    .map((seconds) => new Date(Date.parse(AT) - seconds * 1000).toISOString()),
)
const status = fc.constantFrom('available', 'creating', 'copying', 'backing-up', 'failed', 'stopped', 'odd')
const engine = fc.constantFrom('mysql', 'postgres', 'aurora-mysql', 'sqlserver-se', 'oracle-ee')
const key = fc.option(fc.constantFrom('arn:aws:kms:eu-central-1:1:key/a', 'arn:aws:kms:eu-central-1:1:key/b'))
const kind = fc.constantFrom('instance' as const, 'cluster' as const)
const name = fc.option(fc.constantFrom('private', 'tuned'))

const identity: fc.Arbitrary<Identity> = fc.record({
  ...{ kind, arn: fc.constant('arn:x'), status, engine, engineVersion: fc.constant('8.0') },
  instanceClass: fc.option(fc.constant('db.r6g.large')),
  gib: fc.option(fc.integer({ min: 0, max: 65_536 })),
  ...{ encrypted: fc.boolean(), kmsKeyArn: key, endpoint: fc.constant(null) },
  masterUser: fc.option(fc.constant('admin')),
  ...{ subnetGroup: name, parameterGroup: name, optionGroup: name, globalClusterId: name },
  securityGroups: fc.constant([]),
  roles: fc.constant([]),
})

const snapshot: fc.Arbitrary<SnapshotSeen> = fc.record({
  ...{ kind, id: fc.constantFrom('a', 'b'), arn: fc.constant('arn:x'), status, created: time },
  ...{ percent: fc.option(fc.integer({ min: 0, max: 100 })), engine, engineVersion: fc.constant('8.0') },
  ...{ gib: fc.integer({ min: 0, max: 65_536 }), encrypted: fc.boolean(), kmsKeyArn: key },
})

const lag = answer(fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })))
const there = { name: fc.constant('private'), there: fc.boolean() }
const needed = fc.option(
  fc.record({
    ...there,
    ...{
      wrong: fc.option(fc.constant('it is of another family')),
      differs: fc.subarray(['max_connections']),
    },
  }),
)

const landing: fc.Arbitrary<DatabaseEvidence['landing']> = fc.record({
  kept: fc.option(
    fc.record({
      ...{ from: fc.constant('prepare, run x'), at: fc.constant(AT) },
      entries: fc.subarray<LandingEntry>([
        { kind: 'subnet-group', source: 'private', target: 'db-private', missing: null },
        { kind: 'key', source: 'arn:aws:kms:eu-central-1:1:key/a', target: 'alias/databases', missing: null },
      ]),
    }),
  ),
  subnetGroup: answer(fc.option(fc.record({ ...there, vpcId: fc.constant('vpc-1') }))),
  ...{ parameterGroup: answer(needed), optionGroup: answer(needed) },
  securityGroups: answer(
    fc.record({
      ...{ ids: fc.constant(['sg-1']), missing: fc.subarray(['database'] as string[]) },
      shut: fc.subarray(['sg-1'] as string[]),
    }),
  ),
  keyAliases: answer(fc.subarray(['alias/databases'])),
  roles: answer(
    fc.array(
      fc.record({ arn: fc.constant('arn:role'), wrong: fc.option(fc.constant('there is none such')) }),
    ),
  ),
  zones: answer(fc.subarray(['eu-central-1a', 'eu-central-1b'])),
  instancesLeft: answer(fc.option(fc.integer({ min: 0, max: 3 }))),
})

const rungs = fc.constantFrom('ok' as const, 'failed' as const).map((outcome) => ({
  addresses: [],
  rungs: [{ rung: 'tcp' as const, outcome, tookMs: 1 }],
}))

const database: fc.Arbitrary<DatabaseEvidence> = fc.record({
  ...{ id: fc.constant('shop'), identity: answer(identity), look: answer(rungs) },
  login: answer(fc.constant('MySQL 8')),
  replicas: answer(
    fc.array(
      fc.record({
        ...{ id: fc.constantFrom('r1', 'r2'), status, error: fc.option(fc.constant('stopped')) },
        lagSeconds: lag,
      }),
      { maxLength: 3 },
    ),
  ),
  backupsAcross: answer(
    fc.array(
      fc.record({
        ...{ arn: fc.constant('arn:b'), status: fc.constantFrom('active', 'retained', 'creating') },
        ...{ earliest: time, latest: time, engine, engineVersion: fc.constant('8.0') },
        ...{ gib: fc.integer({ min: 0, max: 1000 }), kmsKeyArn: key },
      }),
      { maxLength: 2 },
    ),
  ),
  snapshotsAcross: answer(fc.array(snapshot, { maxLength: 3 })),
  sourceSnapshots: answer(fc.array(snapshot, { maxLength: 3 })),
  global: answer(
    fc.option(
      fc.record({
        ...{ id: fc.constant('g'), status, engineVersion: fc.constant('8.0') },
        failover: fc.option(fc.constant('pending')),
        secondaries: fc.integer({ min: 0, max: 11 }),
        writerRegion: fc.option(fc.constantFrom(SOURCE, TARGET)),
        member: fc.option(
          fc.record({
            ...{ arn: fc.constant('arn:m'), writer: fc.boolean(), lagMs: lag, status: fc.option(status) },
            synchronization: fc.option(fc.constantFrom('connected', 'pending-resync')),
            instances: fc.option(fc.integer({ min: 0, max: 3 })),
          }),
        ),
      }),
    ),
  ),
  landing,
})

const plane = (service: PlaneState['service'], region: string): fc.Arbitrary<PlaneState> =>
  fc
    .constantFrom('reachable', 'reachable', 'dead', 'denied', 'throttled', 'not-asked', 'no-credentials')
    .map((state) => ({
      ...{ service, region, state: state as PlaneState['state'], silence: null, reason: null, tookMs: 1 },
    }))

const backup = fc.record({
  ...{ sink: fc.constant('frankfurt'), job: fc.constantFrom('shop', 'other'), id: fc.constant('x') },
  ...{ started: time.map((at) => at ?? AT), dumpMs: fc.integer({ min: 0, max: 1e8 }), engine },
  ...{ plainBytes: fc.nat(), storedBytes: fc.nat(), passedOver: fc.constant([]) },
  drill: fc.option(
    fc.record({
      ...{ at: fc.constant(AT), rtoMs: fc.nat() },
      ...{ restoreMs: fc.option(fc.nat()), plainBytes: fc.option(fc.nat()) },
    }),
  ),
})

const run = fc.record({
  run: fc.constantFrom('20261101T210500Z-aaaa', '20261102T210500Z-bbbb', '20261103T210500Z-cccc'),
  way: fc.constantFrom(...ASSESSED_WAYS, 'prepare'),
  ...{
    source: fc.constantFrom(SOURCE, TARGET),
    target: fc.constantFrom(SOURCE, TARGET),
    at: fc.constant(AT),
  },
  ...{ db: fc.constantFrom('shop', 'other'), gib: fc.option(fc.integer({ min: 1, max: 65_536 })) },
  tookMs: fc.nat(),
})

const subject: fc.Arbitrary<Case> = fc
  .record({
    db: database,
    planes: fc.tuple(plane('rds', SOURCE), plane('rds', TARGET)),
    keys: answer(
      fc.array(
        fc.record({
          arn: fc.constantFrom('arn:aws:kms:eu-central-1:1:key/a', 'arn:aws:kms:eu-central-1:1:key/b'),
          ...{ aliases: fc.subarray(['alias/databases']), wrong: fc.option(fc.constant('disabled')) },
        }),
        { maxLength: 2 },
      ),
    ),
    sinks: fc.array(
      fc.record({ sink: fc.constant('frankfurt'), backups: answer(fc.array(backup, { maxLength: 2 })) }),
      { maxLength: 2 },
    ),
    past: fc.array(fc.record({ place: fc.constant('here'), runs: answer(fc.array(run, { maxLength: 3 })) }), {
      maxLength: 2,
    }),
    kmsKey: fc.option(fc.constantFrom('alias/databases', 'a'), { nil: undefined }),
  })
  .map(({ db, kmsKey, ...found }) => {
    const evidence: Evidence = {
      ...{ at: AT, source: SOURCE, target: TARGET, account: known('1'), databases: known([db]) },
      ...found,
    }
    return { evidence, db, flags: kmsKey === undefined ? {} : { kmsKey } }
  })

const judged = (it: Case) => judge(it, ASSESSED_WAYS)
const stateOf = (verdicts: readonly Verdict[], way: string) =>
  verdicts.find((verdict) => verdict.way === way)?.state

test('every way gets one verdict with a reason, and times that are none below zero', () => {
  fc.assert(
    fc.property(subject, (it) => {
      const verdicts = judged(it)
      expect(verdicts.map(({ way }) => way).toSorted()).toEqual([...ASSESSED_WAYS].toSorted())
      for (const { state, reasons, rpo, rto, command, first, breaks } of verdicts) {
        expect(reasons.length).toBeGreaterThan(0)
        expect(breaks.length).toBeGreaterThan(0)
        expect([...reasons, ...first, ...breaks].join()).not.toMatch(/undefined|NaN|\bnull\b|Infinity/)
        if (state === 'closed') expect(command).toBeNull()
        if (state === 'open') expect(command).toMatch(/^lifeboat (migrate|restore|dump) /)
        for (const { leastMs, mostMs, basis, rests } of [rpo, rto]) {
          expect(basis).not.toBe('')
          expect(rests.on === 'nothing').toBe(leastMs === null && mostMs === null)
          expect(leastMs ?? 0).toBeGreaterThanOrEqual(0)
          expect(mostMs ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(leastMs ?? 0)
        }
      }
    }),
  )
})

test('open ones come first, and of them the one that loses least', () => {
  fc.assert(
    fc.property(subject, (it) => {
      const verdicts = judged(it)
      const order = ['open', 'unknown', 'closed']
      for (const [index, verdict] of verdicts.entries()) {
        const next = verdicts[index + 1]
        if (next === undefined) continue
        expect(order.indexOf(verdict.state)).toBeLessThanOrEqual(order.indexOf(next.state))
        if (verdict.state === next.state) expect(lostMs(verdict)).toBeLessThanOrEqual(lostMs(next))
      }
    }),
  )
})

test('the same evidence gives the same verdicts', () => {
  fc.assert(
    fc.property(subject, (it) => {
      expect(judged(it)).toEqual(judged(structuredClone(it)))
    }),
  )
})

test('whatever else is known, no way by API is open while RDS of the target is not reachable', () => {
  fc.assert(
    fc.property(subject, plane('rds', TARGET), (it, state) => {
      fc.pre(state.state !== 'reachable')
      const planes = [...it.evidence.planes.filter(({ region }) => region !== TARGET), state]
      for (const { way, state: openness } of judged({ ...it, evidence: { ...it.evidence, planes } })) {
        if (way === 'native') continue
        expect(openness, way).not.toBe('open')
        if (state.state === 'dead') expect(openness, way).toBe('closed')
      }
    }),
  )
})

/** What becomes unknown of a database. `native` only gains by what is not known: it needs none of it. */
const FIELDS = ['replicas', 'backupsAcross', 'snapshotsAcross', 'global'] as const

test('what becomes unknown opens no way', () => {
  fc.assert(
    fc.property(subject, fc.constantFrom(...FIELDS), obstacle, (it, field, why) => {
      const before = judged(it)
      const db = { ...it.db, [field]: unknown(why, 'lost') }
      for (const { way, state } of judged({ ...it, db })) {
        if (state === 'open') expect(stateOf(before, way), way).toBe('open')
      }
    }),
  )
})

test('copy-snapshot and aurora-add-region are open only while the source is well', () => {
  fc.assert(
    fc.property(subject, (it) => {
      const rds = it.evidence.planes.find(({ region }) => region === SOURCE)
      const isLive = it.db.identity.known && it.db.identity.asOf === null
      for (const way of ['copy-snapshot', 'aurora-add-region']) {
        if (stateOf(judged(it), way) === 'open') expect([rds?.state, isLive]).toEqual(['reachable', true])
      }
    }),
  )
})
