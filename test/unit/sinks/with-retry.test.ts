import { describe, expect, test } from 'vitest'
import { once } from '../../../src/core/bytes.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import type { ObjectInfo, Sink } from '../../../src/core/sink.ts'
import { withRetry } from '../../../src/sinks/with-retry.ts'
import { createMemorySink } from '../../testbed/memory-sink.ts'
import { type SinkFault, withFaults } from '../../testbed/sink-faults.ts'

const signal = new AbortController().signal
const RANGE = { offset: 0, bytes: 3 }

/** Time that passes only by being slept through. */
function createTestClock(onSleep: () => void = () => undefined) {
  const sleeps: number[] = []
  let ms = 0
  const clock: Clock = {
    now: () => new Date(ms),
    monotonicMs: () => ms,
    sleep: async (length, sleeping) => {
      onSleep()
      sleeping.throwIfAborted()
      sleeps.push(length)
      ms += length
    },
  }
  return { clock, sleeps }
}

async function createFaulty(
  faults: readonly SinkFault[],
  options: { attempts?: number; totalMs?: number } = {},
) {
  const plain = createMemorySink()
  const memory = { ...plain, purge: plain.delete }
  for (const key of ['a', 'a/b', 'c', 'é']) await memory.write(key, once(Buffer.from('abc')), { signal })
  const faulty = withFaults(memory, faults)
  const { clock, sleeps } = createTestClock()
  return { memory, faulty, sleeps, sink: withRetry(faulty, { clock, random: () => 0, ...options }) }
}

const CALLS = {
  read: async (sink: Sink) => Buffer.from(await sink.read('a', RANGE, signal)).toString(),
  stat: async (sink: Sink) => (await sink.stat('a', signal))?.bytes,
  list: async (sink: Sink) => (await Array.fromAsync(sink.list('', signal))).map(({ key }) => key),
  delete: async (sink: Sink) => sink.delete(['a'], signal),
  purge: async (sink: Sink) => sink.purge?.(['a'], signal),
} as const
type Call = keyof typeof CALLS
const calls = Object.keys(CALLS) as Call[]

describe.each(calls)('%s', (on) => {
  test('succeeds after as many failures as attempts allow, waiting longer each time', async () => {
    const { sink, sleeps, memory } = await createFaulty([{ on, kind: 'refuse', times: 3 }])
    const expected = await CALLS[on](on === 'delete' ? createMemorySink() : memory)
    expect(await CALLS[on](sink)).toEqual(expected)
    expect(sleeps).toEqual([250, 500, 1000])
  })

  test('gives up with the error itself after the last attempt', async () => {
    const { sink, faulty } = await createFaulty([{ on, kind: 'refuse' }], { attempts: 3 })
    await expect(CALLS[on](sink)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(faulty.struck).toBe(3)
  })

  test('begins no try that would end after its time', async () => {
    const { sink, faulty } = await createFaulty([{ on, kind: 'refuse' }], { attempts: 100, totalMs: 1_000 })
    await expect(CALLS[on](sink)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(faulty.struck).toBe(3)
  })

  test.each([
    new LifeboatError('sink-denied', 'unable to look'),
    new LifeboatError('integrity', 'unable to trust'),
    new Error('a defect'),
  ])('is tried once where %s says that nothing would change', async (error) => {
    const { sink, faulty } = await createFaulty([{ on, kind: 'refuse', error }])
    await expect(CALLS[on](sink)).rejects.toBe(error)
    expect(faulty.struck).toBe(1)
  })
})

test('write and sweep are never tried again', async () => {
  for (const on of ['write', 'sweep'] as const) {
    const { sink, faulty } = await createFaulty([{ on, kind: 'refuse' }])
    const call =
      on === 'write'
        ? sink.write('x', once(Buffer.from('x')), { signal })
        : sink.sweep('', new Date(), signal)
    await expect(call).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect(faulty.struck).toBe(1)
  }
})

test('a listing that breaks in the middle goes on behind what it has given, each object once', async () => {
  const { memory } = await createFaulty([])
  const whole = (await Array.fromAsync(memory.list('', signal))).map(({ key }) => key)
  for (let breaksAfter = 0; breaksAfter <= whole.length; breaksAfter++) {
    let tries = 0
    const breaking: Sink = {
      ...memory,
      async *list(prefix, inner): AsyncGenerator<ObjectInfo> {
        tries += 1
        let given = 0
        for await (const info of memory.list(prefix, inner)) {
          if (tries === 1 && given === breaksAfter) break
          given += 1
          yield info
        }
        if (tries === 1) throw new LifeboatError('sink-unavailable', 'unable to go on')
      },
    }
    const { clock } = createTestClock()
    const sink = withRetry(breaking, { clock })
    expect((await Array.fromAsync(sink.list('', signal))).map(({ key }) => key)).toEqual(whole)
    expect(tries).toBe(2)
  }
})

test('an abort ends the waiting with its reason', async () => {
  const controller = new AbortController()
  const reason = new LifeboatError('interrupted', 'stop')
  const faulty = withFaults(createMemorySink(), [{ on: 'stat', kind: 'refuse' }])
  const { clock } = createTestClock(() => controller.abort(reason))
  await expect(withRetry(faulty, { clock }).stat('a', controller.signal)).rejects.toBe(reason)
  await expect(withRetry(faulty, { clock }).stat('a', controller.signal)).rejects.toBe(reason)
})
