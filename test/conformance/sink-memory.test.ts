import { describe, expect, test } from 'vitest'
import { CHUNK_BYTES } from '../../src/core/sink.ts'
import { createCountingSink, createMemorySink } from '../testbed/memory-sink.ts'
import { withFaults } from '../testbed/sink-faults.ts'
import { describeSink } from './sink-suite.ts'

describeSink(
  'memory',
  async () => {
    const sink = createMemorySink()
    return { sink, cleanup: async () => sink[Symbol.asyncDispose]() }
  },
  { inMemory: true },
)

describeSink(
  'memory, decorated with faults that do not strike',
  async () => {
    const sink = withFaults(createMemorySink(), [{ on: 'write', kind: 'refuse', times: 0 }])
    return { sink, cleanup: async () => sink[Symbol.asyncDispose]() }
  },
  { inMemory: true },
)

describe('a counting sink', () => {
  const { signal } = new AbortController()
  const chunk = Buffer.alloc(CHUNK_BYTES)
  async function* chunks(count: number) {
    for (let number = 0; number < count; number += 1) yield chunk
  }

  test('takes volumes of the most chunks, several TiB in all, and holds none of them', async () => {
    const sink = createCountingSink()
    for (let volume = 0; volume < 20; volume += 1) await sink.write(`v.${volume}`, chunks(10_000), { signal })
    const stored = [...sink.objects.values()]
    expect(stored.reduce((sum, { info }) => sum + info.bytes, 0)).toBe(20 * 10_000 * CHUNK_BYTES)
    expect(stored.every(({ data }) => data === undefined)).toBe(true)
  })

  test('refuses one chunk more, and pieces that cross a chunk', async () => {
    const sink = createCountingSink()
    await expect(sink.write('long', chunks(10_001), { signal })).rejects.toMatchObject({ code: 'sink-full' })
    async function* crossing() {
      yield chunk.subarray(1)
      yield chunk.subarray(0, 2)
    }
    await expect(sink.write('odd', crossing(), { signal })).rejects.toThrow('crosses a chunk border')
    expect(sink.objects.size).toBe(0)
  })
})
