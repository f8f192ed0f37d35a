import { expect, test } from 'vitest'
import { giveBack, lend } from '../../../src/core/loan.ts'

test('a lent piece is given back once', () => {
  const piece = Buffer.from('rows')
  let returned = 0
  lend(piece, () => {
    returned += 1
  })
  giveBack(piece)
  giveBack(piece)
  expect(returned).toBe(1)
})

test('neither a half of a piece nor a piece of somebody else gives anything back', () => {
  const piece = Buffer.from('rows')
  let returned = 0
  lend(piece, () => {
    returned += 1
  })
  giveBack(piece.subarray(0, 2))
  giveBack(piece.subarray(0))
  giveBack(Buffer.from('rows'))
  expect(returned).toBe(0)
})
