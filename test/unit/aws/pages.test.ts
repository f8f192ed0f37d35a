import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allPages, eachOf, inChunks } from '../../../src/aws/pages.ts'

describe('pages', () => {
  test('all items of all pages come, in order, whatever the pages are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.integer()), { minLength: 1 }), async (pages) => {
        let turned = 0
        const items = await allPages<number>(async (marker) => {
          const at = marker === undefined ? 0 : Number(marker)
          turned += 1
          return { items: pages[at], next: at + 1 < pages.length ? String(at + 1) : undefined }
        })
        expect(items).toEqual(pages.flat())
        expect(turned).toBe(pages.length)
      }),
    )
  })

  test('an empty marker is none, and a page without items has none', async () => {
    expect(await allPages(async () => ({ items: undefined, next: '' }))).toEqual([])
  })

  test('pages that go round in a circle end', async () => {
    const circle: Readonly<Record<string, string>> = { start: 'a', a: 'b', b: 'a' }
    const turning = allPages<string>(async (marker = 'start') => ({ items: [marker], next: circle[marker] }))
    await expect(turning).rejects.toThrow(/the same one comes again/)
  })

  test('a page that fails fails the whole list', async () => {
    const turning = allPages<number>(async (marker) => {
      if (marker !== undefined) throw new Error('cut')
      return { items: [1], next: 'second' }
    })
    await expect(turning).rejects.toThrow('cut')
  })

  test('things are looked at a few at a time, and their order is kept', async () => {
    let under = 0
    let most = 0
    const items = Array.from({ length: 40 }, (_, index) => index)
    const seen = await eachOf(items, async (item) => {
      under += 1
      most = Math.max(most, under)
      await new Promise((resolve) => setImmediate(resolve))
      under -= 1
      return item * 2
    })
    expect(seen).toEqual(items.map((item) => item * 2))
    expect(most).toBe(8)
    expect(await eachOf([], async () => 1)).toEqual([])
  })

  test('after a failure nothing more is looked at', async () => {
    let looks = 0
    const looking = eachOf(Array.from({ length: 100 }), async () => {
      looks += 1
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('throttled')
    })
    await expect(looking).rejects.toThrow('throttled')
    await new Promise((resolve) => setImmediate(resolve))
    expect(looks).toBe(8)
  })

  test('chunks hold everything, none more than it may', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 20 }), (items, most) => {
        const chunks = inChunks(items, most)
        expect(chunks.flat()).toEqual(items)
        expect(chunks.every(({ length }) => length > 0 && length <= most)).toBe(true)
      }),
    )
  })
})
