import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SOURCE = join(import.meta.dirname, '../../../src')

// A function that returns the promise itself is left at once, and `await using` closes the sink under the work: over SSH
// every run then failed.
test('the work of a recorded run is awaited before anything that it needs is closed', async () => {
  const names = (await readdir(SOURCE, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(
    names.map(async (name) => [name, await readFile(join(SOURCE, name), 'utf8')] as const),
  )
  const calls = (pattern: RegExp) =>
    texts.flatMap(([name, text]) => (pattern.test(text) ? [name] : [])).sort()
  expect(calls(/await (recorded|audited)\w*[<(]/)).toEqual(
    expect.arrayContaining(['cli/dump-job.ts', 'cli/prune-run.ts', 'cli/restore.ts', 'cli/verify.ts']),
  )
  expect(calls(/return (recorded|audited)\w*[<(]/)).toEqual([])
})
