import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findBorders, type KeyRange } from '../../../../src/engines/mysql/key-ranges.ts'

/** What an exact index would answer. */
const counting = (keys: readonly bigint[]) => async (ranges: readonly KeyRange[]) =>
  ranges.map(({ low, high }) => keys.filter((key) => key >= low && key < high).length)

async function sizes(keys: readonly bigint[], count: number): Promise<number[]> {
  const sorted = keys.toSorted((one, other) => (one < other ? -1 : 1))
  const borders = await findBorders(sorted[0] as bigint, sorted.at(-1) as bigint, count, counting(sorted))
  const edges = [-(2n ** 70n), ...borders, 2n ** 70n]
  return edges
    .slice(0, -1)
    .map((low, at) => keys.filter((key) => key >= low && key < (edges[at + 1] as bigint)).length)
}

describe('borders between ranges of keys', () => {
  test('cut even keys into even pieces', async () => {
    const keys = Array.from({ length: 4000 }, (_, at) => BigInt(at))
    for (const size of await sizes(keys, 4)) expect(size).toBeGreaterThan(900)
  })

  test('are found where one key is far away from all others', async () => {
    const keys = [1n, ...Array.from({ length: 2000 }, (_, at) => 18446744073709550000n + BigInt(at))]
    const found = await sizes(keys, 2)
    expect(found).toHaveLength(2)
    for (const size of found) expect(size).toBeGreaterThan(800)
  })

  test('of one key there are none', async () => {
    expect(await findBorders(7n, 7n, 4, counting([7n]))).toEqual([])
  })

  test('ascend, lie behind the first key, and are never too many, whatever the estimates say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 65n }),
        fc.integer({ min: 2, max: 9 }),
        fc.infiniteStream(fc.nat({ max: 10_000 })),
        async (low, width, count, estimates) => {
          const estimate = async (ranges: readonly KeyRange[]) =>
            ranges.map(() => estimates.next().value ?? 0)
          const borders = await findBorders(low, low + width, count, estimate)
          expect(borders.length).toBeLessThan(count)
          for (const [at, border] of borders.entries()) {
            expect(border > (borders[at - 1] ?? low)).toBe(true)
            expect(border <= low + width).toBe(true)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
