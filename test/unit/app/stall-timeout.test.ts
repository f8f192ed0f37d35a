import { expect, test } from 'vitest'
import { withStallTimeout } from '../../../src/app/stall-timeout.ts'
import { runPipeline } from '../../../src/core/pipeline.ts'
import { orAborted } from '../../../src/core/until-aborted.ts'

test('a source that hangs is given up, and says when it has closed', async () => {
  const log: string[] = []
  async function* hangs(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('some')
      await orAborted(new Promise<never>(() => undefined), signal)
    } finally {
      await new Promise((resolve) => setImmediate(resolve))
      log.push('closed')
    }
  }
  let closed: Promise<unknown> | undefined
  const run = runPipeline(
    (signal) =>
      withStallTimeout(hangs(signal), 'the dump', 20, (closing) => {
        closed = closing
      }),
    [],
    async (input) => {
      for await (const piece of input) log.push(Buffer.from(piece).toString())
    },
    new AbortController().signal,
  )
  await expect(run).rejects.toMatchObject({ code: 'timed-out' })
  expect(closed).toBeDefined()
  await closed
  expect(log).toEqual(['some', 'closed'])
})

test('a source that goes on is not disturbed', async () => {
  async function* goesOn(): AsyncGenerator<Uint8Array> {
    for (const word of ['one', 'two']) yield Buffer.from(word)
  }
  const words: string[] = []
  for await (const piece of withStallTimeout(goesOn(), 'the dump', 1_000))
    words.push(Buffer.from(piece).toString())
  expect(words).toEqual(['one', 'two'])
})
