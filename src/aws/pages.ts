import { IncompleteAnswer } from './answer.ts'

interface Page<Item, Marker> {
  readonly items: readonly Item[] | undefined
  readonly next: Marker | undefined
}

/** Turns all pages. A marker that comes again would turn for ever. */
export async function allPages<Item, Marker = string>(
  turn: (marker: Marker | undefined) => Promise<Page<Item, Marker>>,
): Promise<Item[]> {
  const items: Item[] = []
  const seen = new Set<string>()
  let marker: Marker | undefined
  do {
    const page = await turn(marker)
    items.push(...(page.items ?? []))
    marker = page.next === '' ? undefined : page.next
    if (marker !== undefined) {
      const text = JSON.stringify(marker)
      if (seen.has(text)) throw new IncompleteAnswer('new page: the same one comes again')
      seen.add(text)
    }
  } while (marker !== undefined)
  return items
}

/** So that a look at many things stays within its bound and AWS's rates. */
const AT_ONCE = 8

export async function eachOf<Item, Result>(
  items: readonly Item[],
  look: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length)
  const queue = items.entries()
  let failed = false
  const worker = async () => {
    for (const [at, item] of queue) {
      if (failed) return
      try {
        results[at] = await look(item)
      } catch (thrown) {
        failed = true
        throw thrown
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  return results
}

export function inChunks<Item>(items: readonly Item[], most: number): Item[][] {
  const chunks: Item[][] = []
  for (let at = 0; at < items.length; at += most) chunks.push(items.slice(at, at + most))
  return chunks
}
