import { expect, test } from 'vitest'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createSlots } from '../../../src/core/slots.ts'

const { signal } = new AbortController()

test('at most so many run at once, in the order of asking, and a failure gives its slot back', async () => {
  const slots = createSlots(2)
  const begun: number[] = []
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const works = gates.map((gate, number) =>
    slots.run(async () => {
      begun.push(number)
      await gate.promise
      return number
    }, signal),
  )
  const results = Promise.allSettled(works)
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  gates[1]?.reject(new Error('broken'))
  await expect(works[1]).rejects.toThrow('broken')
  await Promise.resolve()
  expect(begun).toEqual([0, 1, 2])
  for (const gate of gates) gate.resolve()
  expect((await results).map((result) => result.status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ])
})

test('who is aborted while waiting takes no slot with it', async () => {
  const slots = createSlots(1)
  const giveBack = await slots.take(signal)
  const abort = new AbortController()
  const waiting = slots.take(abort.signal)
  const next = slots.take(signal)
  const reason = new LifeboatError('interrupted', 'Ctrl-C')
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  giveBack()
  ;(await next)()
  ;(await slots.take(signal))()
})
