import { expect, test } from 'vitest'
import { DUMP_RULES } from '../../../../src/app/policy/dump-rules.ts'
import { policyFindings } from '../../../../src/app/policy/policy-findings.ts'
import { refusal } from '../../../../src/app/policy/refusal.ts'
import { judge } from '../../../../src/app/policy/rule.ts'
import { dumpFacts } from './dump-facts-of.ts'

const unknown = { known: false, reason: 'nobody asks' } as const
const judged = (but: Parameters<typeof dumpFacts>[0]) => judge(DUMP_RULES, 'regulated', dumpFacts(but))
const refused = (but: Parameters<typeof dumpFacts>[0], classified = true) =>
  refusal({ what: "dump job 'shop'", classification: 'regulated', classified, verdicts: judged(but) })

test('nothing that is broken refuses nothing', () => {
  expect(refused({})).toBeUndefined()
})

test('every broken rule has a line of its own, with what was found and what to do', () => {
  const { message = '', hint, exitCode, details } = refused({ signed: false, recipients: unknown }) ?? {}
  expect(exitCode).toBe(44)
  const [first, ...lines] = message.split('\n')
  expect(first).toBe("unable to dump job 'shop': 2 rules of its class, regulated, are not met")
  expect(lines).toEqual([
    expect.stringMatching(
      /^recipients: .* at least two keys; that is not known \(nobody asks\)\. Mend .*\.$/,
    ),
    expect.stringMatching(/^signing: the backup must be signed; no signing key is named\. Make one .*\.$/),
  ])
  expect(hint).toMatch(/--emergency/)
  expect(details).toMatchObject({ classified: true, broken: [{ state: 'unknown' }, { state: 'violated' }] })
})

test('a job that states no class is told that it may', () => {
  const { message, hint } = refused({ signed: false }, false) ?? {}
  expect(message).toMatch(
    /^unable to dump job 'shop': a rule of class regulated, as which it counts .* is not met/,
  )
  expect(hint).toMatch(/classification:/)
})

test('as findings they fail, but for what nobody asked', () => {
  const verdicts = judged({ signed: false, recipients: unknown })
  const levels = (asked: boolean) =>
    Object.fromEntries(policyFindings(verdicts, asked).map(({ topic, level }) => [topic, level]))
  expect(levels(true)).toMatchObject({
    'rule recipients': 'failure',
    'rule signing': 'failure',
    'rule tls': 'ok',
  })
  expect(levels(false)).toMatchObject({ 'rule recipients': 'ok', 'rule signing': 'failure' })
  for (const { level, hint, code } of policyFindings(verdicts, true)) {
    if (level === 'failure')
      expect({ hint, code }).toEqual({ hint: expect.stringMatching(/\.$/), code: 'policy' })
  }
})
