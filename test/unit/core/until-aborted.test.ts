import { expect, test } from 'vitest'
import { collect } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { orAborted, untilAborted } from '../../../src/core/until-aborted.ts'

const reason = new LifeboatError('terminated', 'told to stop')

test('passes a stream through and closes nothing that has ended', async () => {
  let closed = 0
  async function* body() {
    try {
      yield Buffer.from('a')
      yield Buffer.from('b')
    } finally {
      closed += 1
    }
  }
  expect(Buffer.from(await collect(untilAborted(body(), new AbortController().signal))).toString()).toBe('ab')
  expect(closed).toBe(1)
})

test('throws the reason although the producer is stuck', async () => {
  const abort = new AbortController()
  const next = untilAborted(
    { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) },
    abort.signal,
  ).next()
  abort.abort(reason)
  await expect(next).rejects.toBe(reason)
})

test('lets an error of the producer through and does not close it again', async () => {
  const error = new Error('broken')
  let returned = 0
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(error),
      return: async () => {
        returned += 1
        return { done: true as const, value: undefined }
      },
    }),
  }
  await expect(untilAborted(body, new AbortController().signal).next()).rejects.toBe(error)
  expect(returned).toBe(0)
})

test('closes the producer when its reader stops early', async () => {
  const closed = Promise.withResolvers<void>()
  async function* body() {
    try {
      for (;;) yield Buffer.from('a')
    } finally {
      closed.resolve()
    }
  }
  for await (const piece of untilAborted(body(), new AbortController().signal)) {
    expect(piece).toHaveLength(1)
    break
  }
  await closed.promise
})

test('orAborted leaves no listener behind', async () => {
  const signal = new AbortController().signal
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1
    remove(...args)
  }
  for (let turn = 0; turn < 100; turn += 1) expect(await orAborted(Promise.resolve(turn), signal)).toBe(turn)
  await expect(orAborted(Promise.reject(reason), signal)).rejects.toBe(reason)
  await Promise.resolve()
  expect(listeners).toBe(0)
})
