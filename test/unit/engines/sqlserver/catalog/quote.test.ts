import fc from 'fast-check'
import { expect, it } from 'vitest'
import { quoteName, quoteObject, quoteText } from '../../../../../src/engines/sqlserver/catalog/quote.ts'

it('quotes a name so that its end is found again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (schema, name) => {
      const read = /^\[((?:[^\]]|\]\])*)\]\.\[((?:[^\]]|\]\])*)\]$/.exec(quoteObject({ schema, name }))
      expect(read?.slice(1).map((each) => each.replaceAll(']]', ']'))).toEqual([schema, name])
    }),
  )
  expect(quoteName('a]b[c')).toBe('[a]]b[c]')
})

it('quotes a text so that its end is found again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const read = /^N'((?:[^']|'')*)'$/.exec(quoteText(text))
      expect(read?.[1]?.replaceAll("''", "'")).toBe(text)
    }),
  )
})
