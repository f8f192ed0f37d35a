import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MIGRATION_RULES, type MigrationFacts } from '../../../../src/app/policy/migration-rules.ts'
import { brokenOf, judge } from '../../../../src/app/policy/rule.ts'
import { CLASSIFICATIONS, type Classification } from '../../../../src/core/classification.ts'

const guarded: MigrationFacts = {
  snapshots: [{ name: 'copy-1', encrypted: { known: true, value: true } }],
  encrypted: { known: true, value: true },
  verifiesCopies: true,
  audit: true,
  comparesAuditLogging: { known: true, value: true },
  comparesGrants: { known: true, value: true },
  rtoMs: 3_600_000,
  rpoMs: 60_000,
  expected: { known: true, value: { minMs: 600_000, maxMs: 7_200_000 } },
  lossMs: { known: true, value: 4_000 },
}
const no = { known: true, value: false } as const
const nobodyKnows = { known: false, reason: 'nobody knows' } as const
const snapshot = (value: boolean) => ({ name: `copy-${value}`, encrypted: { known: true, value } as const })
const unknown = { name: 'copy-x', encrypted: { known: false, reason: 'access denied' } } as const
const brokenBy = (classification: Classification, facts: MigrationFacts) =>
  brokenOf(judge(MIGRATION_RULES, classification, facts)).map(({ rule, state }) => `${rule} ${state}`)

describe('rule × class', () => {
  const both = (text: string) => ({ regulated: [text], 'business-critical': [text] })
  const regulated = (text: string) => ({ regulated: [text] })
  const cases: readonly (readonly [
    string,
    Partial<MigrationFacts>,
    Partial<Record<Classification, string[]>>,
  ])[] = [
    ['all of it', {}, {}],
    ['no snapshot on the way', { snapshots: [] }, {}],
    [
      'a plain snapshot',
      { snapshots: [snapshot(true), snapshot(false)] },
      both('snapshot-encryption violated'),
    ],
    ['one that does not say', { snapshots: [unknown] }, both('snapshot-encryption unknown')],
    [
      'a plain one beside it',
      { snapshots: [unknown, snapshot(false)] },
      both('snapshot-encryption violated'),
    ],
    ['nothing verified', { verifiesCopies: false }, both('copy-verification violated')],
    ['no audit log', { audit: false }, regulated('audit violated')],
    ['a plain target', { encrypted: no }, both('target-encryption violated')],
    ['a target of which nobody knows', { encrypted: nobodyKnows }, both('target-encryption unknown')],
    ['audit logging not compared', { comparesAuditLogging: no }, regulated('audit-comparison violated')],
    [
      'audit logging that nobody knows',
      { comparesAuditLogging: nobodyKnows },
      regulated('audit-comparison unknown'),
    ],
    ['grants not compared', { comparesGrants: no }, regulated('grants-comparison violated')],
    [
      'grants that nobody could read',
      { comparesGrants: nobodyKnows },
      regulated('grants-comparison unknown'),
    ],
    ['an RTO that can not be kept', { rtoMs: 599_999 }, both('rto violated')],
    ['one that may be', { rtoMs: 600_000 }, {}],
    ['a time that nobody can say', { expected: nobodyKnows }, {}],
    ['an RPO that is lost already', { rpoMs: 3_999 }, both('rpo violated')],
    ['a loss that nobody can say', { lossMs: nobodyKnows }, {}],
    ['no RTO', { rtoMs: undefined }, both('rto violated')],
    ['no RPO', { rpoMs: undefined }, both('rpo violated')],
  ]

  test.each(cases)('%s', (_, but, expected) => {
    for (const classification of CLASSIFICATIONS) {
      expect(brokenBy(classification, { ...guarded, ...but }), classification).toEqual(
        expected[classification] ?? [],
      )
    }
  })
})

test('adding protection never adds a violation', () => {
  const looked = fc.constantFrom(guarded.encrypted, no, nobodyKnows)
  const facts: fc.Arbitrary<MigrationFacts> = fc.record({
    snapshots: fc.array(fc.constantFrom(snapshot(true), snapshot(false), unknown), { maxLength: 3 }),
    encrypted: looked,
    verifiesCopies: fc.boolean(),
    audit: fc.boolean(),
    comparesAuditLogging: looked,
    comparesGrants: looked,
    expected: fc.constantFrom(guarded.expected, nobodyKnows),
    lossMs: fc.constantFrom(guarded.lossMs, nobodyKnows),
    rtoMs: fc.option(fc.nat(), { nil: undefined }),
    rpoMs: fc.option(fc.nat(), { nil: undefined }),
  })
  // What is to be expected protects nothing.
  const names = (Object.keys(guarded) as (keyof MigrationFacts)[]).filter(
    (name) => name !== 'expected' && name !== 'lossMs',
  )
  fc.assert(
    fc.property(facts, fc.constantFrom(...CLASSIFICATIONS), fc.subarray(names), (before, of, added) => {
      const after = { ...before, ...Object.fromEntries(added.map((name) => [name, guarded[name]])) }
      expect(brokenBy(of, before).map(ruleOf)).toEqual(
        expect.arrayContaining(brokenBy(of, after).map(ruleOf)),
      )
      if (added.length === names.length) expect(brokenBy(of, after)).toEqual([])
    }),
  )
})

function ruleOf(broken: string): string {
  return broken.split(' ')[0] ?? ''
}
