import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AccountList, accountList } from '../../../src/core/accounts.ts'
import {
  compareAccounts,
  comparisonText,
  isLoss,
  sealAccounts,
} from '../../../src/runbooks/compare-accounts.ts'

const list = (rights: Readonly<Record<string, readonly string[]>>): AccountList =>
  accountList(
    Object.keys(rights),
    Object.entries(rights).flatMap(([name, all]) => all.map((grant) => [name, grant] as const)),
  )
const compare = (was: AccountList, now: AccountList, words?: AccountList) =>
  compareAccounts(sealAccounts(was), now, words)

const lists = fc
  .dictionary(
    fc.constantFrom('a', 'b', 'PUBLIC', 'x y'),
    fc.array(fc.string({ maxLength: 4 }), { maxLength: 6 }),
  )
  .map(list)

describe('comparing', () => {
  test('an account list with itself gives nothing, whatever its order; a digest says nothing of a right', () => {
    fc.assert(
      fc.property(lists, (was) => {
        const turned = { ...was, accounts: was.accounts.toReversed() }
        expect(compare(was, turned).differences).toEqual([])
      }),
    )
    expect(JSON.stringify(sealAccounts(list({ a: ['SELECT ON t'] })))).not.toContain('SELECT')
    expect(sealAccounts(list({ a: ['x'] })).accounts).not.toEqual(sealAccounts(list({ a: ['x'] })).accounts)
  })

  test('each loss is found and fails; each gain is found and does not', () => {
    fc.assert(
      fc.property(lists, lists, (was, now) => {
        const { differences } = compare(was, now, was)
        const rights = ({ accounts }: AccountList) =>
          accounts.flatMap(({ name, grants }) => grants.map((grant) => `${name}\0${grant}`))
        const [before, after] = [new Set(rights(was)), new Set(rights(now))]
        const names = new Set(now.accounts.map(({ name }) => name))
        const gone = was.accounts.some(
          ({ name, grants }) => !names.has(name) && (name !== 'PUBLIC' || grants.length > 0),
        )
        expect(differences.some(isLoss)).toBe(gone || [...before].some((each) => !after.has(each)))
        const lacking = differences.flatMap(({ what, account, rights: all }) =>
          what === 'missing-right' ? all.map((grant) => `${account}\0${grant}`) : [],
        )
        for (const each of lacking) expect(before.has(each) && !after.has(each)).toBe(true)
      }),
    )
  })

  test('without the words it is told how many are missing', () => {
    const told = compare(list({ app: ['a', 'b', 'c'] }), list({ app: ['a'] }))
    expect(comparisonText(told)).toBe('app lacks 2 of its 3 rights')
  })

  test('of very many rights an account keeps one digest, and is told apart all the same', () => {
    const many = Array.from({ length: 6000 }, (_, n) => `SELECT ON t${n}`)
    const was = list({ app: many, other: ['may log in'] })
    expect(JSON.stringify(sealAccounts(was)).length).toBeLessThan(1000)
    expect(compare(was, was).differences).toEqual([])
    const lost = compare(was, list({ app: many.slice(1), other: ['may log in'] }))
    expect(lost.differences.filter(isLoss).map(({ account }) => account)).toEqual(['app'])
    expect(comparisonText(lost)).toBe('app lacks or has gained some rights: 6000 at the source, 5999 here')
  })

  test('what could not be looked at is said, and a long list is cut', () => {
    const was = { ...list({}), limits: ['database x: no answer'] }
    expect(comparisonText(compare(was, list({})))).toBe(
      '0 accounts, each as at the source; not looked at: database x: no answer',
    )
    const rights = Array.from({ length: 9 }, (_, n) => `r${n}`)
    expect(comparisonText(compare(list({ app: rights }), list({ app: [] }), list({ app: rights })))).toBe(
      'app lacks r0, r1, r2, r3, r4 and 4 more',
    )
  })
})
