import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inKeyOrder, keySteps, newTempName, tempNameOf } from '../../../src/core/object-key.ts'

describe('keySteps', () => {
  test('takes what lifeboat stores, and names that only look odd', () => {
    expect(keySteps('default/data/20261122T210500Z-k3f9/0001.sql.gz.pgp.000')).toHaveLength(4)
    expect(keySteps("it's/a b/...")).toEqual(["it's", 'a b', '...'])
  })

  test.for([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../../b',
    'a/./b',
    'a\0b',
    'a\nb',
    'a/.lifeboat-tmp-0123456789abcdef-b',
    `a/${'b'.repeat(201)}`,
  ])('refuses %j', (key) => {
    expect(() => keySteps(key)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})

test('a temp name gives back the name it stands for, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (step) => {
      expect(tempNameOf(newTempName(step))).toBe(step)
      expect(tempNameOf(step)).toBeUndefined()
    }),
  )
  expect(tempNameOf('.lifeboat-tmp-short-x')).toBeUndefined()
})

test('folders are ordered as the keys below them are', () => {
  const step = fc.stringMatching(/^[ -.0-9a-c\u00e9\u{1f6df}\uff5e]{1,3}$/u)
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(step, fc.boolean()), { selector: ([name]) => name }), (entries) => {
      const found = entries.map(([name, isFolder]) => ({ name, isFolder }))
      const keys = inKeyOrder(found).map(({ name, isFolder }) => Buffer.from(isFolder ? `${name}/x` : name))
      expect(keys).toEqual([...keys].sort(Buffer.compare))
    }),
  )
})
